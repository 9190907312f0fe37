/// Why an archive can't be read, or a path can't be in one.
public struct TarError: Error, Equatable, Sendable, CustomStringConvertible {
    public enum Code: Sendable, Equatable {
        case malformed
        /// A path that leads out of its archive.
        case unsafe
    }

    public let code: Code
    public let message: String

    public init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    public var description: String { message }
}
