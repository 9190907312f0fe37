import Glibc
import Serving

/// The process of one check.
enum Child {
    static func run(_ name: String, _ options: Options) -> Int32 {
        // Whatever a framework prints goes where errors go.
        let answer = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3)
        dup2(STDERR_FILENO, STDOUT_FILENO)
        guard let check = Check.all.first(where: { $0.name == name }) else { return 2 }
        let (mark, text) = outcome(of: check, options)
        Output.write("\(mark)\n\(text)", to: answer)
        return 0
    }

    private static func outcome(of check: Check, _ options: Options) -> (mark: String, text: String) {
        let subject = Subject(options)
        do throws(Finding) {
            let outcome = try check.run(subject)
            // Whatever a check looks for, an adapter that breaks its contract meanwhile does not pass it.
            if let fault = subject.faults.first { throw Finding(fault) }
            switch outcome {
            case .passed(let text): return ("passed", text)
            case .noted(let text): return ("noted", text)
            case .skipped(let text): return ("skipped", text)
            }
        } catch {
            // What the host noticed says more than what came of it.
            guard let fault = subject.faults.first else { return ("failed", error.reason) }
            return ("failed", error.reason.contains(fault) ? fault : "\(error.reason) [\(fault)]")
        }
    }
}
