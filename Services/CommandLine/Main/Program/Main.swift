import CommandLineKit
import Glibc
import Loop
import ServiceKit

/// The `slipway` command.
@main
enum SlipwayProgram {
    static let version = "0.1.0"

    static func main() {
        // First of all: only threads that are made later leave the signals alone.
        ProcessSignals.hold([SIGINT, SIGTERM])
        signal(SIGPIPE, SIG_IGN)
        let environment = ProcessEnvironment.variables
        let terminal = Terminal(environment: environment)
        let outcome: Parser<Session>.Outcome
        do {
            outcome = try Parser.parse(Root.command, Array(CommandLine.arguments.dropFirst()))
        } catch {
            terminal.write("slipway: \(error)\n", to: .error)
            exit(ExitCode.usage.rawValue)
        }
        switch outcome {
        case .help(let command, let path):
            let width = terminal.width(of: .output) ?? 100
            terminal.write(HelpText.of(command, path: path, root: Root.command, width: width))
            exit(ExitCode.done.rawValue)
        case .run(let command, let values, _):
            start(command, values, terminal, environment)
        }
    }

    private static func start(
        _ command: Command<Session>, _ values: Values, _ terminal: Terminal, _ environment: [String: String]
    ) -> Never {
        let task = Task {
            let code = await run(command, values, terminal, environment)
            HiddenInput.restore()
            exit(code.rawValue)
        }
        do {
            _ = try startThread(named: "signals") {
                Interruption.wait()
                task.cancel()
                // Who asks twice does not want to wait.
                Interruption.wait()
                exit(ExitCode.interrupted.rawValue)
            }
        } catch {
            terminal.write("slipway: \(error)\n", to: .error)
            exit(ExitCode.failed.rawValue)
        }
        while true { pause() }
    }

    private static func run(
        _ command: Command<Session>, _ values: Values, _ terminal: Terminal, _ environment: [String: String]
    ) async -> ExitCode {
        do {
            guard let run = command.run else { return .usage }
            try await run(values, try Session(values, terminal: terminal, environment: environment))
            return .done
        } catch {
            var failure = Failure(error)
            // Whatever an interruption breaks fails in its own way; a command may know better what is left.
            if Interruption.isRequested, failure.code != .interrupted { failure = .interrupted }
            terminal.write("slipway: \(failure.message)\n", to: .error)
            return failure.code
        }
    }
}
