import Glibc
import Serving
import ServiceKit

/// The scorer: serves models, or shows what one is and answers.
@main
struct ScorerProgram {
    static let build = BuildInformation(service: "scorer", version: "0.1.0")

    static func main() {
        // It reports to its makers where nobody says otherwise. Said here, before there are threads.
        setenv("ORT_DISABLE_TELEMETRY", "1", 0)
        var arguments = Array(CommandLine.arguments.dropFirst())
        switch arguments.first {
        case "serve":
            arguments.removeFirst()
            Serve.main(arguments)
        case "describe":
            arguments.removeFirst()
            Serve.main(Serve.silent + arguments) { try Describe.parts($0) }
        case "predict":
            arguments.removeFirst()
            Predict.main(arguments)
        case "ready":
            arguments.removeFirst()
            Readiness.main(arguments)
        case LoadTrial.argument: exit(LoadTrial.serveChild())
        case "version", "--version": Console.say("scorer \(build.version)")
        case nil, "help", "--help", "-h": Console.say(usage)
        default:
            Console.complain("scorer: there is no command \(arguments[0])\n\n\(usage)")
            exit(ServiceProgram.ExitCode.badConfiguration.rawValue)
        }
    }

    static let usage = """
        scorer serve [PATH…] [--models FOLDER] [--name NAME] [--port PORT]
            serves models: files, folders, or a folder of them; `scorer serve --help` lists every setting
        scorer describe PATH
            says what a model takes and gives
        scorer predict PATH --input FILE
            answers a file of JSON or CSV, and prints the answer
        scorer ready
            asks the scorer that serves with the same settings; ends with 0 where it is ready
        scorer version
        """
}

/// The program's words to a person; its log goes elsewhere.
enum Console {
    static func say(_ text: String) { write(text, to: STDOUT_FILENO) }
    static func complain(_ text: String) { write(text, to: STDERR_FILENO) }

    private static func write(_ text: String, to descriptor: Int32) {
        var bytes = Array((text.hasSuffix("\n") ? text : text + "\n").utf8)[...]
        while !bytes.isEmpty {
            let count = bytes.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            guard count > 0 || errno == EINTR else { return }
            bytes = bytes.dropFirst(max(0, count))
        }
    }
}
