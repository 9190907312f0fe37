import HTTP
import InferenceContracts
import ProgramKit
import RPC

/// A request with the answer that belongs to it.
struct Shot: Sendable {
    let kind: String
    /// Throws where the answer is not the one.
    let fire: @Sendable (Target) async throws -> Void
}

/// What is wrong with an answer.
struct Mismatch: Error, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }
}

/// All requests that are sent, in their shares: nine good ones to one that is bad, cancelled or broken off.
struct Plan: Sendable {
    static let rows = [1, 1, 1, 3, 16, 128]
    private static let variants = 6
    private(set) var shots: [Shot] = []
    private let goodCount: Int

    /// Asks the scorer once for each, so that later answers have something to be equal to.
    init(_ target: Target, models: [String]) async throws {
        var seed: UInt64 = 7
        var good: [Shot] = []
        var first: Question?
        for (number, name) in models.enumerated() {
            let model = try await ServedTensor(target, name)
            var seen: Set<[Double]> = []
            for rows in Plan.rows {
                for _ in 0..<Plan.variants {
                    let question = try await Question(target, model, rows: rows, seed: &seed)
                    // Inputs whose answers are alike would hide an answer that went to the wrong caller.
                    guard seen.insert(question.answer).inserted else { continue }
                    first = first ?? question
                    good += question.overRPC() + (try await question.overREST(target, isUsual: number == 0))
                }
            }
            guard seen.count > Plan.rows.count * Plan.variants / 2 else {
                throw FlagError("\(name) answers \(seen.count) different things: too few to tell answers apart")
            }
        }
        guard let first else { throw FlagError("there is nothing to ask") }
        goodCount = good.count
        shots = good + Fault.shots(first)
    }

    func index(for random: UInt64) -> Int {
        let (turn, isBad) = (Int(random / 10), random % 10 == 0)
        return isBad ? goodCount + turn % (shots.count - goodCount) : turn % goodCount
    }
}

/// The one input of a model, as its metadata says.
struct ServedTensor: Sendable {
    let model: String
    let name: String
    let isDouble: Bool
    let columns: Int

    init(_ target: Target, _ model: String) async throws {
        let metadata = try await target.inference.modelMetadata(.init(name: model))
        guard let input = metadata.inputs.first, metadata.inputs.count == 1, input.shape.count == 2,
            let columns = input.shape.last, columns > 0, ["FP32", "FP64"].contains(input.datatype)
        else { throw FlagError("\(model) does not take one FP32 or FP64 tensor of [rows, columns]") }
        (self.model, name, isDouble) = (model, input.name, input.datatype == "FP64")
        self.columns = Int(columns)
    }

    var datatype: String { isDouble ? "FP64" : "FP32" }
}
