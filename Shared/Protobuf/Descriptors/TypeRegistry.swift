/// The message types that an `Any` may hold in JSON, by full name.
public struct TypeRegistry: Sendable {
    private var types: [String: any Message.Type]

    public init(_ files: [FileDescriptor] = []) {
        types = Self.wellKnown.types
        for file in files { add(file) }
    }

    private init(types: [any Message.Type]) {
        self.types = Dictionary(types.map { ($0.messageName, $0) }, uniquingKeysWith: { first, _ in first })
    }

    /// The types that come with protobuf itself.
    public static let wellKnown = TypeRegistry(types: [
        Google.Protobuf.`Any`.self, Google.Protobuf.Duration.self, Google.Protobuf.Empty.self,
        Google.Protobuf.FieldMask.self, Google.Protobuf.ListValue.self, Google.Protobuf.Struct.self,
        Google.Protobuf.Timestamp.self, Google.Protobuf.Value.self, Google.Protobuf.BoolValue.self,
        Google.Protobuf.BytesValue.self, Google.Protobuf.DoubleValue.self, Google.Protobuf.FloatValue.self,
        Google.Protobuf.Int32Value.self, Google.Protobuf.Int64Value.self, Google.Protobuf.StringValue.self,
        Google.Protobuf.UInt32Value.self, Google.Protobuf.UInt64Value.self,
    ])

    /// Adds every message of a file, and of the files that it imports.
    public mutating func add(_ file: FileDescriptor) {
        for file in file.closure {
            for type in file.messages { types[type.messageName] = type }
        }
    }

    public func type(named name: String) -> (any Message.Type)? { types[name] }
}
