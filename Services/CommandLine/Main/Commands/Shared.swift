import CommandLineKit
import Contracts

/// Flags and arguments that many commands have.
enum Shared {
    static let reason = Flag.text("reason", "TEXT", "why, for the journal")
    static let limit = Flag.integer("limit", "COUNT", in: 1...1_000_000, "at most so many (100)")
    static let yes = Flag.switch("yes", short: "y", "does not ask")
    static let version = Argument("VERSION", "which: churn:3, churn/latest or churn@champion")
    static let modelName = Argument("NAME", "the model's name")
    static let roles = ["reader", "contributor", "owner"]

    static func role(_ name: String?) -> Slipway.Access.V1.Role {
        switch name {
        case "reader": .reader
        case "contributor": .contributor
        case "owner": .owner
        default: .unspecified
        }
    }

    static func name(of role: Slipway.Access.V1.Role) -> String {
        switch role {
        case .reader: "reader"
        case .contributor: "contributor"
        case .owner: "owner"
        default: ""
        }
    }

    /// Reads pages until there are enough elements or no more.
    /// - Parameter page: asks for at most so many from a token on.
    /// - Returns: the elements, and where to go on; empty at the end.
    static func pages<Element>(
        limit: Int, _ page: (_ size: Int32, _ token: String) async throws -> (elements: [Element], next: String)
    ) async throws -> (elements: [Element], next: String) {
        var elements: [Element] = []
        var token = ""
        repeat {
            let answer = try await page(Int32(min(1000, limit - elements.count)), token)
            elements += answer.elements
            token = answer.next
        } while !token.isEmpty && elements.count < limit
        return (elements, token)
    }

    /// An id that nobody else has, so that a request which is repeated is done once.
    static func drawRequestID() -> String {
        var generator = SystemRandomNumberGenerator()
        return String(generator.next(), radix: 36) + "-" + String(generator.next(), radix: 36)
    }

    /// `key=value` of each, by key.
    static func shown(_ pairs: [String: String], separator: String = " ") -> String {
        pairs.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }.joined(separator: separator)
    }

    static func noteMore(_ next: String, _ count: Int, _ session: Session) {
        if !next.isEmpty { session.done("there are more than \(count); --limit shows more") }
    }
}
