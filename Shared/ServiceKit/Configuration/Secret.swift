/// A text that is never printed: not by interpolation, not by the debugger's mirror, not by a log. Whoever needs it says
/// `reveal`.
public struct Secret: Sendable, Hashable, CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    private let text: String

    public init(_ text: String) { self.text = text }

    /// The text itself. Hand it to the one call that needs it, and keep no copy.
    public func reveal() -> String { text }

    public var isEmpty: Bool { text.isEmpty }

    /// Compared in a time that tells nothing of how much was right.
    public static func == (left: Secret, right: Secret) -> Bool {
        let (left, right) = (Array(left.text.utf8), Array(right.text.utf8))
        guard left.count == right.count else { return false }
        return zip(left, right).reduce(UInt8(0)) { $0 | ($1.0 ^ $1.1) } == 0
    }

    public var description: String { "****" }
    public var debugDescription: String { "****" }
    public var customMirror: Mirror { Mirror(self, children: []) }
}
