internal import Glibc

/// Writes encoded bytes from the end of a buffer towards its front.
///
/// Back to front, the length of an embedded message is known when its turn comes, so a message of any depth takes one
/// pass for its size and one for its bytes. Callers write a value first and its tag after it, and fields in descending
/// order. Valid only inside the call that lent it.
@frozen
public struct Writer {
    @usableFromInline var position: UnsafeMutablePointer<UInt8>
    @usableFromInline let start: UnsafeMutablePointer<UInt8>

    @inlinable
    init(start: UnsafeMutablePointer<UInt8>, end: UnsafeMutablePointer<UInt8>) {
        self.start = start
        position = end
    }

    @inlinable var isFull: Bool { position == start }

    /// Takes `count` bytes in front of what is written. A size that disagrees with the encoding would write outside the
    /// buffer, so this check stays on in release builds.
    @inlinable @inline(__always)
    mutating func take(_ count: Int) {
        precondition(position - start >= count, "encodedSize and encode(into:) disagree")
        position -= count
    }

    @inlinable @inline(__always)
    public mutating func tag(_ tag: UInt32) { varint(UInt64(tag)) }

    @inlinable @inline(__always)
    public mutating func varint(_ value: UInt64) {
        if value < 0x80 {
            take(1)
            position.pointee = UInt8(truncatingIfNeeded: value)
        } else if value < 0x4000 {
            take(2)
            position[0] = UInt8(truncatingIfNeeded: value) | 0x80
            position[1] = UInt8(truncatingIfNeeded: value &>> 7)
        } else {
            varintSlow(value)
        }
    }

    @usableFromInline @inline(never)
    mutating func varintSlow(_ value: UInt64) {
        take(Wire.varintSize(value))
        var rest = value
        var cursor = position
        while rest >= 0x80 {
            cursor.pointee = UInt8(truncatingIfNeeded: rest) | 0x80
            cursor += 1
            rest &>>= 7
        }
        cursor.pointee = UInt8(truncatingIfNeeded: rest)
    }

    @inlinable @inline(__always)
    public mutating func fixed<T: BitwiseCopyable>(_ value: T) {
        take(MemoryLayout<T>.size)
        UnsafeMutableRawPointer(position).storeBytes(of: value, as: T.self)
    }

    @inlinable @inline(__always)
    public mutating func raw(_ bytes: UnsafeRawBufferPointer) {
        guard let base = bytes.baseAddress, bytes.count > 0 else { return }
        take(bytes.count)
        UnsafeMutableRawPointer(position).copyMemory(from: base, byteCount: bytes.count)
    }

    /// Writes the length of everything written since `mark`.
    @inlinable @inline(__always)
    mutating func length(since mark: UnsafeMutablePointer<UInt8>) {
        varint(UInt64(truncatingIfNeeded: mark - position))
    }

    @inlinable @inline(__always)
    public mutating func message<M: Message>(_ message: M) {
        let mark = position
        message.encode(into: &self)
        length(since: mark)
    }

    /// Writes a message if there is one.
    @inlinable @inline(__always)
    public mutating func message<M: Message>(_ message: M?, tag: UInt32) {
        let mark = position
        // Chaining reaches the message where it lies; binding it would copy it.
        guard message?.encode(into: &self) != nil else { return }
        length(since: mark)
        self.tag(tag)
    }

    @inlinable
    public mutating func repeated<K: FieldKind>(_ values: [K.Value], _ kind: K.Type, tag: UInt32) {
        // Elements are lent from the buffer; a loop over the array would retain and release each.
        values.withUnsafeBufferPointer { buffer in
            var index = buffer.count
            while index > 0 {
                index &-= 1
                K.write(buffer[index], to: &self)
                self.tag(tag)
            }
        }
    }

    @inlinable
    public mutating func packed<K: PackableKind>(_ values: [K.Value], _ kind: K.Type, tag: UInt32) {
        guard !values.isEmpty else { return }
        let mark = position
        K.writePacked(values, to: &self)
        length(since: mark)
        self.tag(tag)
    }

    @inlinable
    public mutating func map<K: MapKeyKind, V: FieldKind>(
        _ entries: [K.Value: V.Value], _ keyKind: K.Type, _ valueKind: V.Type, tag: UInt32
    ) {
        for (key, value) in entries {
            let mark = position
            V.write(value, to: &self)
            self.tag(16 | V.wireType)
            K.write(key, to: &self)
            self.tag(8 | K.wireType)
            length(since: mark)
            self.tag(tag)
        }
    }

    @inlinable @inline(__always)
    public mutating func unknown(_ fields: UnknownFields) {
        if !fields.isEmpty { fields.bytes.withUnsafeBytes { raw($0) } }
    }
}

/// Sizes on the wire.
public enum Wire {
    @inlinable @inline(__always)
    public static func varintSize(_ value: UInt64) -> Int {
        let bits = 64 &- (value | 1).leadingZeroBitCount
        return (bits &* 9 &+ 64) &>> 6
    }

    /// The size of a length-delimited value of `count` bytes, with its length.
    @inlinable @inline(__always)
    public static func delimitedSize(_ count: Int) -> Int {
        varintSize(UInt64(truncatingIfNeeded: count)) &+ count
    }

    /// The size of an embedded message, with its length.
    @inlinable @inline(__always)
    public static func size<M: Message>(_ message: M) -> Int { delimitedSize(message.encodedSize) }

    /// The size of an embedded message with its length and tag; 0 when there is none.
    @inlinable @inline(__always)
    public static func size<M: Message>(_ message: M?, tagSize: Int) -> Int {
        guard let size = message?.encodedSize else { return 0 }
        return tagSize &+ delimitedSize(size)
    }

    @inlinable
    public static func repeatedSize<K: FieldKind>(_ values: [K.Value], _ kind: K.Type, tagSize: Int) -> Int {
        values.withUnsafeBufferPointer { buffer in
            var size = buffer.count &* tagSize
            for index in buffer.indices { size &+= K.size(buffer[index]) }
            return size
        }
    }

    @inlinable
    public static func packedSize<K: PackableKind>(_ values: [K.Value], _ kind: K.Type, tagSize: Int) -> Int {
        values.isEmpty ? 0 : tagSize &+ delimitedSize(K.packedSize(values))
    }

    @inlinable
    public static func mapSize<K: MapKeyKind, V: FieldKind>(
        _ entries: [K.Value: V.Value], _ keyKind: K.Type, _ valueKind: V.Type, tagSize: Int
    ) -> Int {
        var size = entries.count &* tagSize
        for (key, value) in entries { size &+= delimitedSize(2 &+ K.size(key) &+ V.size(value)) }
        return size
    }
}
