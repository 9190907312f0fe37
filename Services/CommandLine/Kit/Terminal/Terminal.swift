import Glibc

/// Where a program's words go, and what can be shown there.
public struct Terminal: Sendable {
    public enum Target: Sendable {
        case output, error

        var descriptor: Int32 { self == .output ? STDOUT_FILENO : STDERR_FILENO }
    }

    public let outputIsTerminal: Bool
    public let errorIsTerminal: Bool
    public let inputIsTerminal: Bool
    private let wantsColour: Bool
    private let sink: (@Sendable (String, Target) -> Void)?

    /// No terminal: everything goes to the sink, and nobody can be asked.
    public init(sink: @escaping @Sendable (String, Target) -> Void) {
        outputIsTerminal = false
        errorIsTerminal = false
        inputIsTerminal = false
        wantsColour = false
        self.sink = sink
    }

    /// - Parameter environment: `NO_COLOR` and `TERM=dumb` turn colours off.
    public init(environment: [String: String]) {
        outputIsTerminal = isatty(STDOUT_FILENO) == 1
        errorIsTerminal = isatty(STDERR_FILENO) == 1
        inputIsTerminal = isatty(STDIN_FILENO) == 1
        sink = nil
        wantsColour = environment["NO_COLOR", default: ""].isEmpty && environment["TERM"] != "dumb"
    }

    /// The columns of the target; nil where it is no terminal.
    public func width(of target: Target) -> Int? {
        guard target == .output ? outputIsTerminal : errorIsTerminal else { return nil }
        var size = winsize()
        guard ioctl(target.descriptor, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return 80 }
        return Int(size.ws_col)
    }

    /// Bold, where the target shows that.
    public func bold(_ text: String, on target: Target = .output) -> String {
        guard wantsColour, target == .output ? outputIsTerminal : errorIsTerminal else { return text }
        return "\u{1b}[1m\(text)\u{1b}[0m"
    }

    /// Writes everything. Where nobody reads any more there is nothing left to do, and the process ends.
    public func write(_ text: String, to target: Target = .output) {
        if let sink { return sink(text, target) }
        let bytes = Array(text.utf8)
        var written = 0
        while written < bytes.count {
            let count = bytes[written...].withUnsafeBytes { Glibc.write(target.descriptor, $0.baseAddress, $0.count) }
            if count > 0 {
                written += count
            } else if errno == EAGAIN {
                var waiting = pollfd(fd: target.descriptor, events: Int16(POLLOUT), revents: 0)
                poll(&waiting, 1, -1)
            } else if errno != EINTR {
                exit(ExitCode.failed.rawValue)
            }
        }
    }
}
