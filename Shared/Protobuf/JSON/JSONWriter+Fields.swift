extension JSONWriter {
    @inlinable
    public mutating func repeated<K: FieldKind>(
        _ original: StaticString, _ json: StaticString, _ values: [K.Value], _ kind: K.Type
    ) throws {
        guard !values.isEmpty || includesDefaults else { return }
        field(original, json)
        beginArray()
        for (index, value) in values.enumerated() {
            element()
            do { try K.writeJSON(value, to: &self) } catch { throw Self.located(error, "[\(index)]", in: json) }
        }
        endArray()
    }

    @inlinable
    public mutating func map<K: MapKeyKind, V: FieldKind>(
        _ original: StaticString, _ json: StaticString, _ entries: [K.Value: V.Value], _ keyKind: K.Type,
        _ valueKind: V.Type
    ) throws {
        guard !entries.isEmpty || includesDefaults else { return }
        field(original, json)
        beginObject()
        if options.sortsKeys {
            for (key, value) in entries.sorted(by: { "\($0.key)" < "\($1.key)" }) {
                try entry(key, value, json, keyKind, valueKind)
            }
        } else {
            for (key, value) in entries { try entry(key, value, json, keyKind, valueKind) }
        }
        endObject()
    }

    @inlinable
    mutating func entry<K: MapKeyKind, V: FieldKind>(
        _ key: K.Value, _ value: V.Value, _ json: StaticString, _ keyKind: K.Type, _ valueKind: V.Type
    ) throws {
        K.writeJSONKey(key, to: &self)
        do { try V.writeJSON(value, to: &self) } catch { throw Self.located(error, "[\"\(key)\"]", in: json) }
    }

    /// Writes one field with its name.
    @inlinable
    public mutating func single<K: FieldKind>(
        _ original: StaticString, _ json: StaticString, _ value: K.Value, _ kind: K.Type
    ) throws {
        field(original, json)
        do { try K.writeJSON(value, to: &self) } catch { throw Self.located(error, "", in: json) }
    }

    @usableFromInline @inline(never)
    static func located(_ error: any Error, _ component: String, in field: StaticString) -> any Error {
        guard let error = error as? ProtobufError else { return error }
        let inner = component.isEmpty ? error : error.inside(component)
        return inner.inside("\(field)")
    }
}
