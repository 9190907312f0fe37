extension Reader {
    /// Enters a length-delimited value and returns the end to restore.
    @inlinable @inline(__always)
    mutating func enter() throws -> UnsafePointer<UInt8> {
        let length = try length()
        guard depthLeft > 0 else { throw failure(.tooDeep, "messages are nested too deeply") }
        depthLeft -= 1
        let outer = end
        end = position + length
        return outer
    }

    @inlinable @inline(__always)
    mutating func leave(_ outer: UnsafePointer<UInt8>) {
        end = outer
        depthLeft += 1
    }

    /// Merges an embedded message.
    @inlinable @inline(__always)
    public mutating func message<M: Message>(_ message: inout M) throws {
        let outer = try enter()
        try message.merge(from: &self)
        leave(outer)
    }

    /// Merges an embedded message, which becomes present.
    @inlinable @inline(__always)
    public mutating func message<M: Message>(_ field: inout M?) throws {
        let outer = try enter()
        if field == nil { field = M() }
        try field?.merge(from: &self)
        leave(outer)
    }

    /// Merges an embedded message kept in a box, which becomes present.
    @inlinable
    public mutating func message<M: Message>(_ field: inout Box<M>?) throws {
        let outer = try enter()
        if field == nil { field = Box(M()) }
        try field?.mutate { try $0.merge(from: &self) }
        leave(outer)
    }

    /// How many times the length-delimited field comes in a row from here on, the first one's tag being read already.
    /// It stops at anything unusual: the number only says how much room to make, for elements whose bytes do exist.
    @usableFromInline @inline(never)
    func occurrences(of tag: UInt32) -> Int {
        let limit = 4096
        guard tag < 0x4000 else { return 1 }
        let tagSize = tag < 0x80 ? 1 : 2
        let first = tag < 0x80 ? UInt8(tag) : UInt8(truncatingIfNeeded: tag) | 0x80
        let second = UInt8(truncatingIfNeeded: tag >> 7)
        var cursor = position
        var count = 0
        while count < limit, cursor < end {
            var length = Int(cursor.pointee)
            cursor += 1
            if length >= 0x80 {
                guard cursor < end, cursor.pointee < 0x80 else { break }
                length = length & 0x7f | Int(cursor.pointee) << 7
                cursor += 1
            }
            count += 1
            guard end - cursor >= length + tagSize else { break }
            cursor += length
            guard cursor[0] == first, tagSize == 1 || cursor[1] == second else { break }
            cursor += tagSize
        }
        return count
    }

    @inlinable
    public mutating func repeated<K: FieldKind>(_ field: inout [K.Value], _ kind: K.Type, tag: UInt32) throws {
        if field.isEmpty, K.wireType == 2 {
            let count = occurrences(of: tag)
            if count > 1 { field.reserveCapacity(count) }
        }
        field.append(try K.read(from: &self))
    }

    @inlinable
    public mutating func packed<K: PackableKind>(_ field: inout [K.Value], _ kind: K.Type) throws {
        let length = try length()
        let outer = end
        end = position + length
        try K.readPacked(into: &field, from: &self)
        end = outer
    }

    /// Reads one entry; a later entry with the same key replaces an earlier one.
    @inlinable
    public mutating func map<K: MapKeyKind, V: FieldKind>(
        _ field: inout [K.Value: V.Value], _ keyKind: K.Type, _ valueKind: V.Type, tag: UInt32
    ) throws {
        if field.isEmpty {
            let count = occurrences(of: tag)
            if count > 1 { field.reserveCapacity(count) }
        }
        let outer = try enter()
        var key = K.initial
        var value = V.initial
        while true {
            let tag = try nextTag()
            if tag == 0 { break }
            if tag == 8 | K.wireType {
                try K.merge(&key, from: &self)
            } else if tag == 16 | V.wireType {
                try V.merge(&value, from: &self)
            } else {
                try skip(tag)
            }
        }
        leave(outer)
        field[key] = value
    }

    /// Passes over a field, groups included.
    @usableFromInline @inline(never)
    mutating func skip(_ tag: UInt32) throws {
        switch tag & 7 {
        case 0: _ = try varint()
        case 1: _ = try fixed(UInt64.self)
        case 2: position += try length()
        case 3: try skipGroup(tag)
        case 5: _ = try fixed(UInt32.self)
        case 4: throw failure(.malformed, "a group ends that never began")
        default: throw failure(.malformed, "a field has an unknown wire type")
        }
    }

    private mutating func skipGroup(_ opening: UInt32) throws {
        guard depthLeft > 0 else { throw failure(.tooDeep, "groups are nested too deeply") }
        depthLeft -= 1
        while true {
            let tag = try nextTag()
            if tag == 0 { throw failure(.truncated, "the input ends inside a group") }
            if tag & 7 == 4 {
                guard tag >> 3 == opening >> 3 else { throw failure(.malformed, "a group ends with another's number") }
                break
            }
            try skip(tag)
        }
        depthLeft += 1
    }

    /// Keeps a field that the message does not know.
    @inlinable
    public mutating func unknown(_ tag: UInt32, into fields: inout UnknownFields) throws {
        let start = position
        try skip(tag)
        fields.append(tag: tag, value: UnsafeBufferPointer(start: start, count: position - start))
    }
}
