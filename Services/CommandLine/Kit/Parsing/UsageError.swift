/// What is wrong with a command line, and what would be right.
public struct UsageError: Error, Sendable, Equatable, CustomStringConvertible {
    public let message: String
    /// The command that it was said to: `slipway model register`.
    public let path: String

    public init(_ message: String, path: String = "slipway") {
        self.message = message
        self.path = path
    }

    public var description: String { "\(message)\n\(path) --help tells more." }
}
