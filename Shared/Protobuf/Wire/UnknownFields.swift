/// Encoded fields that a message's description does not have, in the order in which they came.
@frozen
public struct UnknownFields: Sendable, Hashable {
    /// The fields as they go on the wire.
    @inlinable public var bytes: [UInt8] { storage }
    @usableFromInline var storage: [UInt8]

    @inlinable public init() { storage = [] }

    @inlinable public var isEmpty: Bool { storage.isEmpty }
    @inlinable public var count: Int { storage.count }

    @usableFromInline @inline(never)
    mutating func append(tag: UInt32, value: UnsafeBufferPointer<UInt8>) {
        var rest = tag
        while rest >= 0x80 {
            storage.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        storage.append(UInt8(truncatingIfNeeded: rest))
        storage.append(contentsOf: value)
    }

    /// The values that were given for an extension's field, in order. Packed and unpacked forms are both read.
    ///
    /// - Throws: ``ProtobufError`` when the bytes do not decode as the kind asks.
    public func values<K: FieldKind>(_ number: Int, _ kind: K.Type) throws -> [K.Value] {
        var found: [K.Value] = []
        try scan { tag, reader in
            if tag == UInt32(number) << 3 | K.wireType {
                found.append(try K.read(from: &reader))
                return true
            }
            if tag == UInt32(number) << 3 | 2 {
                return try K.readPackedIfPossible(into: &found, from: &reader)
            }
            return false
        }
        return found
    }

    /// The value of an extension's field: the last scalar, or all embedded messages merged; nil when there is none.
    ///
    /// - Throws: ``ProtobufError`` when the bytes do not decode as the kind asks.
    public func value<K: FieldKind>(_ number: Int, _ kind: K.Type) throws -> K.Value? {
        var found: K.Value?
        try scan { tag, reader in
            guard tag == UInt32(number) << 3 | K.wireType else { return false }
            var value = found ?? K.initial
            try K.merge(&value, from: &reader)
            found = value
            return true
        }
        return found
    }

    private func scan(_ body: (UInt32, inout Reader) throws -> Bool) throws {
        try Reader.read(bytes[...], depthMax: 100) { reader in
            while true {
                let tag = try reader.nextTag()
                if tag == 0 { return }
                if try !body(tag, &reader) { try reader.skip(tag) }
            }
        }
    }
}
