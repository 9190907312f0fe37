extension Google.Protobuf.`Any` {
    public static var hasCustomJSON: Bool { true }

    /// Wraps a message under `type.googleapis.com/`.
    public init(_ message: some Message) {
        self.init(typeUrl: "type.googleapis.com/" + type(of: message).messageName, value: message.serialized()[...])
    }

    /// The full name of the type: what follows the last slash.
    public var typeName: String {
        guard let slash = typeUrl.lastIndex(of: "/") else { return "" }
        return String(typeUrl[typeUrl.index(after: slash)...])
    }

    /// The message, or nil when it is of another type.
    ///
    /// - Throws: ``ProtobufError`` when the bytes are not of that type.
    public func unpacked<M: Message>(as type: M.Type) throws -> M? {
        typeName == M.messageName ? try M(serialized: value) : nil
    }

    public func encodeJSON(into json: inout JSONWriter) throws {
        json.beginObject()
        if !typeUrl.isEmpty {
            guard let type = json.options.registry.type(named: typeName) else {
                throw ProtobufError(.unknownType, "the type \"\(typeUrl)\" of an Any is not registered")
            }
            json.key("@type")
            json.string(typeUrl)
            let message = try type.init(serialized: value)
            if type.hasCustomJSON {
                json.key("value")
                try message.encodeJSON(into: &json)
            } else {
                try message.encodeJSONFields(into: &json)
            }
        } else if !value.isEmpty {
            throw ProtobufError(.unknownType, "an Any has a value but no type")
        }
        json.endObject()
    }

    public mutating func mergeJSON(from json: inout JSONReader) throws {
        // The type may come last, so the object is read twice.
        var ahead = json
        var found: String?
        var count = 0
        try ahead.members { name, json in
            count += 1
            if name == "@type" {
                guard found == nil else { throw json.failure(.duplicateField, "@type is given twice") }
                found = try json.string()
            } else {
                try json.skipValue()
            }
        }
        guard let url = found else {
            guard count == 0 else { throw json.failure(.invalidValue, "an Any needs its \"@type\"") }
            json = ahead
            return
        }
        typeUrl = url
        guard let type = json.options.registry.type(named: typeName) else {
            throw json.failure(.unknownType, "the type \"\(url)\" of an Any is not registered")
        }
        value = try Self.read(type, from: &json).serialized()[...]
    }

    private static func read<M: Message>(_ type: M.Type, from json: inout JSONReader) throws -> M {
        var message = M()
        guard type.hasCustomJSON else {
            try json.object(into: &message, passingOver: "@type")
            return message
        }
        var hasValue = false
        try json.members { name, json in
            if name == "value" {
                hasValue = true
                try message.mergeJSON(from: &json)
            } else if name == "@type" || json.options.ignoresUnknownFields {
                try json.skipValue()
            } else {
                throw json.failure(.unknownField, "an Any of \(M.messageName) has only \"@type\" and \"value\"")
            }
        }
        guard hasValue else { throw json.failure(.invalidValue, "an Any of \(M.messageName) needs its \"value\"") }
        return message
    }
}
