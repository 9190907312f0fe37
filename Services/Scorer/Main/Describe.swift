import Glibc
import Loop
import Serving
import ServiceKit

/// `scorer describe PATH`: loads a model and says what it is.
enum Describe {
    static func parts(_ environment: ServiceEnvironment<ScorerSettings>) throws -> [any Service] {
        let shelf = try ModelShelf.make(environment) { _ in }
        let manager = shelf.manager
        return [
            ClosureService("description") {
                try await manager.refresh()
                await manager.settle()
                var failed = false
                for status in manager.list() {
                    if status.state == .ready {
                        Console.say(
                            text(try manager.summary(of: ModelReference(name: status.name, version: status.version))))
                    } else {
                        failed = true
                        Console.complain("\(status.name) version \(status.version): \(status.reason)")
                    }
                }
                await manager.stop()
                if failed { exit(ServiceProgram.ExitCode.failed.rawValue) }
            }
        ]
    }

    private static func text(_ summary: ModelSummary) -> String {
        var lines = [
            "\(summary.name) version \(summary.version): \(summary.format), by adapter \(summary.adapter)",
            "  batches: \(summary.batches ? (summary.largestBatch == 0 ? "yes" : "up to \(summary.largestBatch)") : "no")",
        ]
        for (title, tensors) in [("inputs", summary.inputs), ("outputs", summary.outputs)] {
            lines.append("  \(title):")
            for tensor in tensors {
                let shape = tensor.shape.map { "\($0)" }.joined(separator: ",")
                let others = tensor.alsoTakes.map(\.name).joined(separator: ", ")
                let columns = tensor.columns.isEmpty ? "" : "  columns \(tensor.columns.joined(separator: ", "))"
                lines.append(
                    "    \(tensor.name)  \(tensor.datatype.name) [\(shape)]\(tensor.mayBeAbsent ? ", may be absent" : "")"
                        + (others.isEmpty ? "" : ", converts \(others)") + columns)
            }
        }
        if !summary.inputSample.isEmpty { lines.append("  input sample: \(summary.inputSample)") }
        for fact in summary.facts { lines.append("  \(fact.name): \(fact.value)") }
        return lines.joined(separator: "\n")
    }
}
