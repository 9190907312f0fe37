import Glibc
import Serving

/// Runs a conformance suite on an adapter's library: each check in a process of its own, so that one that crashes or
/// hangs is a finding like any other.
@main
enum AdapterCheck {
    static func main() {
        signal(SIGPIPE, SIG_IGN)
        let words = Array(CommandLine.arguments.dropFirst())
        // Checks of how models load use trials, and those start this program again.
        if words == [LoadTrial.argument] { exit(LoadTrial.serveChild()) }
        do throws(UsageError) {
            let options = try Options(words)
            if options.wantsHelp {
                Output.write(Options.help)
                exit(0)
            }
            if let only = options.childOf {
                exit(Child.run(only, options))
            }
            exit(Runner(options: options, words: words).run() ? 0 : 1)
        } catch {
            Output.complain("adapter-check: \(error.message)\nadapter-check --help says more\n")
            exit(2)
        }
    }
}

enum Output {
    static func write(_ text: String) { write(text, to: STDOUT_FILENO) }
    static func complain(_ text: String) { write(text, to: STDERR_FILENO) }

    static func write(_ text: String, to descriptor: Int32) {
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            guard count > 0 || errno == EINTR else { return }
            rest = rest.dropFirst(max(0, count))
        }
    }
}
