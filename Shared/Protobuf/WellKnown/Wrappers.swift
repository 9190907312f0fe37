// The wrappers are bare values in JSON.

extension Google.Protobuf.DoubleValue {
    public static var hasCustomJSON: Bool { true }

    public func encodeJSON(into json: inout JSONWriter) throws { ProtoDouble.writeJSON(value, to: &json) }

    public mutating func mergeJSON(from json: inout JSONReader) throws {
        if let value = try ProtoDouble.readJSON(from: &json) { self.value = value }
    }
}

extension Google.Protobuf.FloatValue {
    public static var hasCustomJSON: Bool { true }

    public func encodeJSON(into json: inout JSONWriter) throws { ProtoFloat.writeJSON(value, to: &json) }

    public mutating func mergeJSON(from json: inout JSONReader) throws {
        if let value = try ProtoFloat.readJSON(from: &json) { self.value = value }
    }
}

extension Google.Protobuf.Int64Value {
    public static var hasCustomJSON: Bool { true }

    public func encodeJSON(into json: inout JSONWriter) throws { ProtoInt64.writeJSON(value, to: &json) }

    public mutating func mergeJSON(from json: inout JSONReader) throws {
        if let value = try ProtoInt64.readJSON(from: &json) { self.value = value }
    }
}

extension Google.Protobuf.UInt64Value {
    public static var hasCustomJSON: Bool { true }

    public func encodeJSON(into json: inout JSONWriter) throws { ProtoUInt64.writeJSON(value, to: &json) }

    public mutating func mergeJSON(from json: inout JSONReader) throws {
        if let value = try ProtoUInt64.readJSON(from: &json) { self.value = value }
    }
}

extension Google.Protobuf.Int32Value {
    public static var hasCustomJSON: Bool { true }

    public func encodeJSON(into json: inout JSONWriter) throws { ProtoInt32.writeJSON(value, to: &json) }

    public mutating func mergeJSON(from json: inout JSONReader) throws {
        if let value = try ProtoInt32.readJSON(from: &json) { self.value = value }
    }
}

extension Google.Protobuf.UInt32Value {
    public static var hasCustomJSON: Bool { true }

    public func encodeJSON(into json: inout JSONWriter) throws { ProtoUInt32.writeJSON(value, to: &json) }

    public mutating func mergeJSON(from json: inout JSONReader) throws {
        if let value = try ProtoUInt32.readJSON(from: &json) { self.value = value }
    }
}

extension Google.Protobuf.BoolValue {
    public static var hasCustomJSON: Bool { true }

    public func encodeJSON(into json: inout JSONWriter) throws { ProtoBool.writeJSON(value, to: &json) }

    public mutating func mergeJSON(from json: inout JSONReader) throws {
        if let value = try ProtoBool.readJSON(from: &json) { self.value = value }
    }
}

extension Google.Protobuf.StringValue {
    public static var hasCustomJSON: Bool { true }

    public func encodeJSON(into json: inout JSONWriter) throws { ProtoString.writeJSON(value, to: &json) }

    public mutating func mergeJSON(from json: inout JSONReader) throws {
        if let value = try ProtoString.readJSON(from: &json) { self.value = value }
    }
}

extension Google.Protobuf.BytesValue {
    public static var hasCustomJSON: Bool { true }

    public func encodeJSON(into json: inout JSONWriter) throws { ProtoBytes.writeJSON(value, to: &json) }

    public mutating func mergeJSON(from json: inout JSONReader) throws {
        if let value = try ProtoBytes.readJSON(from: &json) { self.value = value }
    }
}
