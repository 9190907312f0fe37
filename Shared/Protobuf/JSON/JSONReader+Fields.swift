extension JSONReader {
    /// Reads an object of fields into a message.
    mutating func object<M: Message>(into message: inout M, passingOver ignored: String? = nil) throws {
        var seen = FieldSet()
        let names = M.fieldNames
        try members { name, json in
            guard let number = names.number(name) else {
                if name == ignored || json.options.ignoresUnknownFields { return try json.skipValue() }
                throw json.failure(.unknownField, "\(M.messageName) has no field \"\(name)\"")
            }
            guard seen.insert(number) else {
                throw json.failure(.duplicateField, "the field is given twice").inside(name)
            }
            do { try message.mergeJSONField(number, from: &json) } catch let error as ProtobufError {
                throw error.inside(name)
            }
        }
    }

    /// A field without presence.
    @inlinable
    public mutating func implicit<K: FieldKind>(_ field: inout K.Value, _ kind: K.Type) throws {
        if try !K.readsNull && takeNull() { return }
        if let value = try K.readJSON(from: &self) { field = value }
    }

    /// A field with presence.
    @inlinable
    public mutating func explicit<K: FieldKind>(_ field: inout K.Value?, _ kind: K.Type) throws {
        if try !K.readsNull && takeNull() { return }
        if let value = try K.readJSON(from: &self) { field = value }
    }

    /// A member of a oneof.
    @inlinable
    public mutating func oneof<K: FieldKind, Choice>(
        _ field: inout Choice?, _ kind: K.Type, _ choose: (K.Value) -> Choice
    ) throws {
        if try !K.readsNull && takeNull() { return }
        guard field == nil else { throw failure(.duplicateField, "another field of the same oneof is given too") }
        if let value = try K.readJSON(from: &self) { field = choose(value) }
    }

    @inlinable
    public mutating func repeated<K: FieldKind>(_ field: inout [K.Value], _ kind: K.Type) throws {
        if try takeNull() { return }
        try K.readJSONArray(into: &field, from: &self)
    }

    @inlinable
    public mutating func map<K: MapKeyKind, V: FieldKind>(
        _ field: inout [K.Value: V.Value], _ keyKind: K.Type, _ valueKind: V.Type
    ) throws {
        if try takeNull() { return }
        try members { name, json in
            let key = try K.readJSONKey(name, from: json)
            guard field[key] == nil else { throw json.failure(.duplicateField, "the key \"\(name)\" is given twice") }
            do { if let value = try V.readJSON(from: &json) { field[key] = value } } catch let error as ProtobufError {
                throw Self.located(error, name)
            }
        }
    }

    @usableFromInline @inline(never)
    static func located(_ error: ProtobufError, _ key: String) -> ProtobufError { error.inside("[\"\(key)\"]") }
}

/// The numbers of the fields that an object has given so far.
private struct FieldSet {
    private var low: UInt64 = 0
    private var high: Set<Int> = []

    mutating func insert(_ number: Int) -> Bool {
        guard number < 64 else { return high.insert(number).inserted }
        let bit = UInt64(1) << UInt64(number)
        defer { low |= bit }
        return low & bit == 0
    }
}
