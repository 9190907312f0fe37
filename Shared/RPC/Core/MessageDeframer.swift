/// Cuts a body into messages: a flag byte, the length in four bytes, and that many bytes (gRPC's framing and Connect's).
///
/// Memory follows the bytes that really came, never the length that was promised.
struct MessageDeframer {
    struct Envelope {
        var flags: UInt8
        var bytes: [UInt8]
    }
    enum Failure: Error, Equatable {
        /// The length is over the limit.
        case tooLarge(length: Int, limit: Int)
        /// The body ended inside a message.
        case truncated
    }

    private static let reservedMax = 2 * 1024 * 1024

    let limit: Int
    private var prefix: (UInt8, UInt8, UInt8, UInt8, UInt8) = (0, 0, 0, 0, 0)
    private var prefixCount = 0
    private var needed = 0
    private var body: [UInt8] = []

    init(limit: Int) { self.limit = limit }

    /// True between messages.
    var isAtBoundary: Bool { prefixCount == 0 }

    /// How much came of the message under way.
    var partialBytes: Int { body.count }

    /// Forgets the message under way.
    mutating func removeAll() { self = MessageDeframer(limit: limit) }

    /// Takes bytes and calls `complete` with each message that they finish.
    mutating func append(
        _ bytes: UnsafeRawBufferPointer, _ complete: (Envelope) -> Void
    ) throws(Failure) {
        var rest = bytes
        while true {
            if prefixCount < 5 {
                takePrefix(&rest)
                guard prefixCount == 5 else { return }
                needed = Int(prefix.1) << 24 | Int(prefix.2) << 16 | Int(prefix.3) << 8 | Int(prefix.4)
                guard needed <= limit else { throw .tooLarge(length: needed, limit: limit) }
                // Room that is not written to costs no memory, so a fair size is taken at once instead of growing to it.
                body.reserveCapacity(min(needed, max(rest.count, MessageDeframer.reservedMax)))
            }
            let count = min(rest.count, needed - body.count)
            if count > 0 {
                body.append(contentsOf: rest[..<count])
                rest = UnsafeRawBufferPointer(rebasing: rest[count...])
            }
            guard body.count == needed else { return }
            prefixCount = 0
            complete(Envelope(flags: prefix.0, bytes: exchange(&body, with: [])))
            if rest.isEmpty { return }
        }
    }

    /// The body is over.
    func end() throws(Failure) { if !isAtBoundary { throw .truncated } }

    private mutating func takePrefix(_ rest: inout UnsafeRawBufferPointer) {
        let count = min(5 - prefixCount, rest.count)
        let start = prefixCount
        withUnsafeMutableBytes(of: &prefix) { prefix in
            for index in 0..<count { prefix[start + index] = rest[index] }
        }
        prefixCount += count
        rest = UnsafeRawBufferPointer(rebasing: rest[count...])
    }

    /// A message that has five free bytes in front, with its prefix and compressed if asked for.
    static func frame(_ message: consuming [UInt8], isCompressed: Bool) throws -> ArraySlice<UInt8> {
        if isCompressed { message = try Gzip.compress(message[5...], prefix: 5) }
        writePrefix(isCompressed ? 1 : 0, into: &message)
        return message[...]
    }

    /// Writes flags and length into the five free bytes in front of a message.
    static func writePrefix(_ flags: UInt8, into message: inout [UInt8]) {
        let length = UInt32(truncatingIfNeeded: message.count - 5)
        message[0] = flags
        message[1] = UInt8(truncatingIfNeeded: length >> 24)
        message[2] = UInt8(truncatingIfNeeded: length >> 16)
        message[3] = UInt8(truncatingIfNeeded: length >> 8)
        message[4] = UInt8(truncatingIfNeeded: length)
    }
}
