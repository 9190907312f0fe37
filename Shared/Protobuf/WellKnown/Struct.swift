extension Google.Protobuf.Struct {
    public static var hasCustomJSON: Bool { true }

    public func encodeJSON(into json: inout JSONWriter) throws {
        json.beginObject()
        for (key, value) in fields {
            json.key(key)
            do { try value.encodeJSON(into: &json) } catch let error as ProtobufError {
                throw error.inside("[\"\(key)\"]")
            }
        }
        json.endObject()
    }

    public mutating func mergeJSON(from json: inout JSONReader) throws {
        try json.map(&fields, ProtoString.self, ProtoMessage<Google.Protobuf.Value>.self)
    }
}

extension Google.Protobuf.ListValue {
    public static var hasCustomJSON: Bool { true }

    public func encodeJSON(into json: inout JSONWriter) throws {
        json.beginArray()
        for (index, value) in values.enumerated() {
            json.element()
            do { try value.encodeJSON(into: &json) } catch let error as ProtobufError {
                throw error.inside("[\(index)]")
            }
        }
        json.endArray()
    }

    public mutating func mergeJSON(from json: inout JSONReader) throws {
        try json.elements { json in
            var value = Google.Protobuf.Value()
            try value.mergeJSON(from: &json)
            values.append(value)
        }
    }
}

extension Google.Protobuf.Value {
    public static var hasCustomJSON: Bool { true }

    public func encodeJSON(into json: inout JSONWriter) throws {
        switch kind {
        case .nullValue?: json.null()
        case .numberValue(let value)?:
            guard value.isFinite else { throw ProtobufError(.invalidValue, "a Value can be no NaN and not infinite") }
            json.double(value)
        case .stringValue(let value)?: json.string(value)
        case .boolValue(let value)?: json.boolean(value)
        case .structValue(let value)?: try value.encodeJSON(into: &json)
        case .listValue(let value)?: try value.encodeJSON(into: &json)
        case nil: throw ProtobufError(.invalidValue, "a Value of no kind has no form in JSON")
        }
    }

    public mutating func mergeJSON(from json: inout JSONReader) throws {
        switch try json.peek() {
        case UInt8(ascii: "n"):
            try json.null()
            kind = .nullValue(.nullValue)
        case UInt8(ascii: "t"), UInt8(ascii: "f"): kind = .boolValue(try json.boolean())
        case UInt8(ascii: "\""): kind = .stringValue(try json.string())
        case UInt8(ascii: "{"):
            var value = Google.Protobuf.Struct()
            try value.mergeJSON(from: &json)
            kind = .structValue(value)
        case UInt8(ascii: "["):
            var value = Google.Protobuf.ListValue()
            try value.mergeJSON(from: &json)
            kind = .listValue(value)
        default: kind = .numberValue(try json.double())
        }
    }
}
