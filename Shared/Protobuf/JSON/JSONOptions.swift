/// How messages are written as JSON.
public struct JSONEncodingOptions: Sendable {
    /// Writes the proto file's field names instead of lowerCamelCase.
    public var preservesFieldNames = false
    public var enumsAsNumbers = false
    /// Writes fields without presence even when they hold their default.
    public var includesDefaults = false
    /// Writes the entries of maps by key, so that the same message is the same text each time.
    public var sortsKeys = false
    /// The types that an `Any` may hold.
    public var registry = TypeRegistry.wellKnown

    public init(
        preservesFieldNames: Bool = false, enumsAsNumbers: Bool = false, includesDefaults: Bool = false,
        sortsKeys: Bool = false, registry: TypeRegistry = .wellKnown
    ) {
        self.sortsKeys = sortsKeys
        self.preservesFieldNames = preservesFieldNames
        self.enumsAsNumbers = enumsAsNumbers
        self.includesDefaults = includesDefaults
        self.registry = registry
    }
}

/// How JSON is read into messages.
public struct JSONDecodingOptions: Sendable {
    /// Passes over fields and enum names that this program does not know, instead of refusing them.
    public var ignoresUnknownFields = false
    /// How deep values may be nested.
    public var depthMax = 100
    /// The types that an `Any` may hold.
    public var registry = TypeRegistry.wellKnown

    public init(ignoresUnknownFields: Bool = false, depthMax: Int = 100, registry: TypeRegistry = .wellKnown) {
        self.ignoresUnknownFields = ignoresUnknownFields
        self.depthMax = depthMax
        self.registry = registry
    }
}

extension Message {
    /// The message in protobuf's JSON mapping, as UTF-8.
    ///
    /// - Throws: ``ProtobufError`` for values that JSON cannot carry, such as a `Timestamp` out of range.
    public func jsonBytes(options: JSONEncodingOptions = JSONEncodingOptions()) throws -> [UInt8] {
        var json = JSONWriter(options: options)
        try encodeJSON(into: &json)
        return json.bytes
    }

    /// The message in protobuf's JSON mapping.
    ///
    /// - Throws: ``ProtobufError`` for values that JSON cannot carry.
    public func jsonString(options: JSONEncodingOptions = JSONEncodingOptions()) throws -> String {
        String(decoding: try jsonBytes(options: options), as: UTF8.self)
    }

    /// Reads a message from protobuf's JSON mapping.
    ///
    /// - Throws: ``ProtobufError`` with the path of the field and the offset in the text.
    public init(json bytes: Bytes, options: JSONDecodingOptions = JSONDecodingOptions()) throws {
        self.init()
        try JSONReader.read(bytes, options: options) { json in try mergeJSON(from: &json) }
    }

    /// Reads a message from protobuf's JSON mapping.
    ///
    /// - Throws: ``ProtobufError`` with the path of the field and the offset in the text.
    public init(json bytes: [UInt8], options: JSONDecodingOptions = JSONDecodingOptions()) throws {
        try self.init(json: bytes[...], options: options)
    }

    /// Reads a message from protobuf's JSON mapping.
    ///
    /// - Throws: ``ProtobufError`` with the path of the field and the offset in the text.
    public init(json text: String, options: JSONDecodingOptions = JSONDecodingOptions()) throws {
        try self.init(json: Array(text.utf8)[...], options: options)
    }
}
