/// What the process tells whoever started it.
public enum ExitCode: Int32, Sendable, CaseIterable {
    case done = 0
    /// It was tried and did not work.
    case failed = 1
    /// What was asked for makes no sense; nothing was tried.
    case usage = 2
    case notFound = 3
    /// Not signed in, or not allowed.
    case denied = 4
    /// It is there already, is used, or was changed meanwhile.
    case conflict = 5
    /// The server can't be reached, or does not answer in time.
    case unreachable = 6
    /// What was followed was ended by somebody.
    case cancelled = 7
    /// Ctrl-C.
    case interrupted = 130

    public var meaning: String {
        switch self {
        case .done: "done"
        case .failed: "failed"
        case .usage: "what was asked for makes no sense; nothing was tried"
        case .notFound: "not found"
        case .denied: "not signed in, or not allowed"
        case .conflict: "there already, in use, or changed meanwhile"
        case .unreachable: "the server can't be reached"
        case .cancelled: "what was followed was cancelled by somebody"
        case .interrupted: "interrupted"
        }
    }
}
