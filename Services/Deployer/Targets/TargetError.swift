/// Why a place did not do what it was asked to.
public struct TargetError: Error, Hashable, Sendable, CustomStringConvertible {
    public enum Code: Hashable, Sendable {
        /// It does not answer. Nobody knows what it did.
        case unreachable
        /// It can't hold what was asked for, now.
        case noCapacity
        /// It can't run the image: another platform, no entry point, a broken layer.
        case unusableImage
        /// What was asked for is not allowed there, or makes no sense.
        case refused
        /// The order is older than one that it has seen.
        case stale
        /// It failed otherwise.
        case failed
    }

    public var code: Code
    /// For people: what was wrong, where, and what would be right.
    public var message: String

    public init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    public var description: String { message }
}
