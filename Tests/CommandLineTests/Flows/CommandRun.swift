import CommandLineKit
import Loop

@testable import Slipway

/// A command as it was run, without a terminal and without whatever the machine's user has.
struct CommandRun {
    private(set) var output = ""
    private(set) var errors = ""
    private(set) var failure: Failure?

    /// - Throws: `UsageError` where the line can't be parsed.
    init(_ line: [String], at address: String, _ variables: [String: String] = [:]) async throws {
        guard case .run(let command, let values, _) = try Parser.parse(Root.command, line) else { return }
        let written = Lock((output: "", errors: ""))
        let terminal = Terminal { text, target in
            written.withLock { if target == .output { $0.output += text } else { $0.errors += text } }
        }
        let environment = ["SLIPWAY_CONFIG": "/nowhere/config", "SLIPWAY_SERVER": address]
        let session = try Session(values, terminal: terminal, environment: environment.merging(variables) { $1 })
        do { try await command.run?(values, session) } catch { failure = Failure(error) }
        (output, errors) = written.withLock { ($0.output, $0.errors) }
    }
}
