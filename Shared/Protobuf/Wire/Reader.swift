internal import Glibc

/// A cursor over encoded bytes. It never reads past the innermost length that encloses it, and allocates nothing ahead
/// of bytes that really exist. Valid only inside the call that lent it.
@frozen
public struct Reader {
    @usableFromInline var position: UnsafePointer<UInt8>
    @usableFromInline var end: UnsafePointer<UInt8>
    /// Where index 0 of `owner`'s indices would lie.
    @usableFromInline let origin: UnsafePointer<UInt8>
    /// The buffer, which the caller keeps: by its address the reader needs no reference counting.
    @usableFromInline let owner: UnsafePointer<Bytes>
    @usableFromInline var depthLeft: Int

    /// Lends a reader over the bytes.
    @inlinable @inline(__always)
    static func read<Result>(
        _ bytes: Bytes, depthMax: Int, _ body: (inout Reader) throws -> Result
    ) rethrows -> Result? {
        try withUnsafePointer(to: bytes) { owner in
            try bytes.withUnsafeBufferPointer { buffer in
                guard let base = buffer.baseAddress else { return nil }
                var reader = Reader(base: base, count: buffer.count, owner: owner, depthMax: depthMax)
                return try body(&reader)
            }
        }
    }

    @inlinable @inline(__always)
    init(base: UnsafePointer<UInt8>, count: Int, owner: UnsafePointer<Bytes>, depthMax: Int) {
        position = base
        end = base + count
        origin = base - owner.pointee.startIndex
        self.owner = owner
        depthLeft = depthMax
    }

    /// The next field's tag, or 0 at the end of the message.
    @inlinable @inline(__always)
    public mutating func nextTag() throws -> UInt32 {
        guard position < end else { return 0 }
        let first = position.pointee
        if first < 0x80, first >= 8 {
            position += 1
            return UInt32(truncatingIfNeeded: first)
        }
        return try nextTagSlow()
    }

    @usableFromInline @inline(never)
    mutating func nextTagSlow() throws -> UInt32 {
        if end - position >= 2, position[1] < 0x80, position[0] >= 0x80 {
            let tag = UInt32(position[0] & 0x7f) | UInt32(position[1]) << 7
            if tag >= 8 {
                position += 2
                return tag
            }
        }
        let tag = try varint()
        guard tag <= UInt64(UInt32.max), tag >= 8 else { throw failure(.malformed, "a field number is out of range") }
        return UInt32(truncatingIfNeeded: tag)
    }

    @inlinable @inline(__always)
    public mutating func varint() throws -> UInt64 {
        if position < end {
            let first = position.pointee
            if first < 0x80 {
                position += 1
                return UInt64(truncatingIfNeeded: first)
            }
        }
        return try varintSlow()
    }

    @usableFromInline @inline(never)
    mutating func varintSlow() throws -> UInt64 {
        var value: UInt64 = 0
        var cursor = position
        for shift in stride(from: UInt64(0), to: 70, by: 7) {
            guard cursor < end else { throw failure(.truncated, "the input ends inside a number") }
            let byte = cursor.pointee
            cursor += 1
            // Of the tenth byte only one bit fits; the others are dropped, as the reference implementations do.
            value |= UInt64(byte & 0x7f) &<< shift
            if byte < 0x80 {
                position = cursor
                return value
            }
        }
        throw failure(.malformed, "a variable-length number has more than ten bytes")
    }

    /// The length of a length-delimited value, proven to lie within the input.
    @inlinable @inline(__always)
    public mutating func length() throws -> Int {
        let length = try varint()
        guard length <= UInt64(bitPattern: Int64(end - position)) else { throw overlong(length) }
        return Int(truncatingIfNeeded: length)
    }

    @inlinable @inline(__always)
    public mutating func fixed<T: BitwiseCopyable>(_ type: T.Type) throws -> T {
        guard end - position >= MemoryLayout<T>.size else {
            throw failure(.truncated, "the input ends inside a fixed-width number")
        }
        let value = UnsafeRawPointer(position).loadUnaligned(as: T.self)
        position += MemoryLayout<T>.size
        return value
    }

    @inlinable @inline(__always)
    public mutating func string() throws -> String {
        let length = try length()
        guard length > 0 else { return "" }
        guard let value = String(utf8: UnsafeBufferPointer(start: position, count: length)) else {
            throw failure(.invalidUTF8, "a string is not valid UTF-8")
        }
        position += length
        return value
    }

    /// A window of the input, without a copy.
    @inlinable @inline(__always)
    public mutating func bytes() throws -> Bytes {
        let length = try length()
        let start = position - origin
        position += length
        return owner.pointee[start..<start + length]
    }

    @usableFromInline @inline(never)
    func failure(_ code: ProtobufError.Code, _ reason: StaticString) -> ProtobufError {
        ProtobufError(code, "\(reason)", offset: position - (origin + owner.pointee.startIndex))
    }

    @usableFromInline @inline(never)
    func overlong(_ length: UInt64) -> ProtobufError {
        ProtobufError(
            .truncated, "a length of \(length) bytes is given where \(end - position) are left",
            offset: position - (origin + owner.pointee.startIndex))
    }

    @usableFromInline @inline(never)
    static func tooLarge(_ count: Int, _ limit: Int) -> ProtobufError {
        ProtobufError(.tooLarge, "the message has \(count) bytes, the limit is \(limit)")
    }
}

extension String {
    /// The text of the bytes, or nil when they are not UTF-8. `String(validating:as:)` does the same, but runs through
    /// unspecialized generics and takes ten times as long for a short text.
    @inlinable @inline(__always)
    init?(utf8 bytes: UnsafeBufferPointer<UInt8>) {
        guard let text = try? UTF8Span(validating: bytes.span) else { return nil }
        self.init(copying: text)
    }
}
