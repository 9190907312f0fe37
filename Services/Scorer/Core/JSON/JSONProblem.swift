/// Why a text is not the JSON that was wanted, and where.
public struct JSONProblem: Error, Equatable, Sendable, CustomStringConvertible {
    public let reason: String
    /// Bytes in front of the place.
    public let offset: Int
    /// From 1; a line ends with a line feed.
    public let line: Int
    /// From 1, in bytes.
    public let column: Int

    public var description: String { "\(reason) (line \(line), column \(column), byte \(offset))" }

    /// - Parameter text: everything that was read, from its first byte.
    init(_ reason: String, at offset: Int, in text: UnsafeBufferPointer<UInt8>) {
        self.reason = reason
        self.offset = offset
        var line = 1
        var lineStart = 0
        for index in 0..<min(offset, text.count) where text[index] == UInt8(ascii: "\n") {
            line += 1
            lineStart = index + 1
        }
        self.line = line
        column = offset - lineStart + 1
    }
}
