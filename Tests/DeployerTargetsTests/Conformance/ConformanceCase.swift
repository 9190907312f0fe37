import DeployerTargets
import Testing

/// Something that every target does.
struct ConformanceCase: Sendable, CustomTestStringConvertible {
    let testDescription: String
    private let body: @Sendable (ConformanceBench) async throws -> Void

    init(_ description: String, _ body: @escaping @Sendable (ConformanceBench) async throws -> Void) {
        testDescription = description
        self.body = body
    }

    static let all: [ConformanceCase] = life + endings + refusals + several + logs + images

    /// Runs the case with an installation of its own, of which nothing is left behind.
    func run(_ place: any ConformancePlace) async throws {
        let bench = try await ConformanceBench(place)
        do { try await body(bench) } catch {
            await bench.clear()
            throw error
        }
        await bench.clear()
    }
}
