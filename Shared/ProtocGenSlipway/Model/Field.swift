internal import Protobuf

/// A field with everything that generating code for it needs to know.
struct Field {
    indirect enum Shape {
        /// Absent when it holds its default.
        case implicit
        case explicit
        /// An embedded message whose type contains this one.
        case boxed
        case repeated
        case packed
        case map(key: Field, value: Field)
        case oneof(Int)
    }

    let number: Int
    let protoName: String
    let jsonName: String
    /// The property's or the case's name.
    let name: String
    let shape: Shape
    /// The runtime's type that reads and writes one value.
    let kind: String
    /// The type of one value.
    let valueType: String
    let type: FieldProto.Type_
    /// Whether a oneof's case has to be indirect.
    let isRecursive: Bool
    let path: [Int32]

    init(
        _ proto: FieldProto, in message: Schema.Message?, schema: Schema, taken: Set<String> = [], path: [Int32] = []
    ) throws {
        number = Int(proto.number ?? 0)
        protoName = proto.name ?? ""
        jsonName = proto.jsonName ?? Names.camel(protoName, capital: false)
        name = Names.member(protoName, taken: taken)
        let type = proto.type ?? .double
        self.type = type
        self.path = path
        let typeName = proto.typeName ?? ""
        (kind, valueType) = try Self.kind(type, typeName: typeName, schema: schema)
        isRecursive = message.map { type == .message && schema.holds(typeName, $0.fullName) } ?? false

        if proto.label == .repeated {
            if let entry = schema.messages[typeName], entry.proto.options?.mapEntry == true {
                shape = .map(
                    key: try Field(entry.proto.field[0], in: nil, schema: schema),
                    value: try Field(entry.proto.field[1], in: nil, schema: schema))
            } else if Self.isPackable(type), proto.options?.packed ?? (message?.isProto3 ?? true) {
                shape = .packed
            } else {
                shape = .repeated
            }
        } else if let index = proto.oneofIndex, proto.proto3Optional != true {
            shape = .oneof(Int(index))
        } else if type == .message {
            shape = isRecursive ? .boxed : .explicit
        } else if proto.proto3Optional == true || message?.isProto3 == false {
            shape = .explicit
        } else {
            shape = .implicit
        }
    }

    static func isPackable(_ type: FieldProto.Type_) -> Bool {
        type != .string && type != .bytes && type != .message && type != .group
    }

    var isPackable: Bool { Self.isPackable(type) }

    /// The type of the property.
    func propertyType(_ schema: Schema) -> String {
        switch shape {
        case .implicit, .oneof: valueType
        case .explicit, .boxed: valueType + "?"
        case .repeated, .packed: "[\(valueType)]"
        case .map(let key, let value): "[\(key.valueType): \(value.valueType)]"
        }
    }

    var initialValue: String {
        switch shape {
        case .explicit, .boxed, .oneof: "nil"
        case .repeated, .packed: "[]"
        case .map: "[:]"
        case .implicit:
            switch type {
            case .string: "\"\""
            case .bytes: "[]"
            case .bool: "false"
            case .enum: "\(valueType)(rawValue: 0)"
            default: "0"
            }
        }
    }

    /// The property as seen from inside the message.
    var reference: String { Names.reference(name) }

    /// The condition under which a field without presence is written.
    var isSet: String {
        switch type {
        case .string, .bytes: "!\(reference).isEmpty"
        case .bool: reference
        case .enum: "\(reference).rawValue != 0"
        // Negative zero is not the default.
        case .double, .float: "\(reference).bitPattern != 0"
        default: "\(reference) != 0"
        }
    }

    var wireType: Int {
        switch type {
        case .double, .fixed64, .sfixed64: 1
        case .float, .fixed32, .sfixed32: 5
        case .string, .bytes, .message, .group: 2
        default: 0
        }
    }

    var tag: Int { number << 3 | wireType }
    var delimitedTag: Int { number << 3 | 2 }
    var tagSize: Int { Wire.varintSize(UInt64(number) << 3) }

    private static func kind(
        _ type: FieldProto.Type_, typeName: String, schema: Schema
    ) throws -> (String, String) {
        func scalar(_ kind: String, _ type: String) -> (String, String) {
            ("Protobuf.Proto" + kind, schema.standard(type))
        }
        switch type {
        case .double: return scalar("Double", "Double")
        case .float: return scalar("Float", "Float")
        case .int64: return scalar("Int64", "Int64")
        case .uint64: return scalar("UInt64", "UInt64")
        case .int32: return scalar("Int32", "Int32")
        case .fixed64: return scalar("Fixed64", "UInt64")
        case .fixed32: return scalar("Fixed32", "UInt32")
        case .bool: return scalar("Bool", "Bool")
        case .string: return scalar("String", "String")
        case .bytes: return ("Protobuf.ProtoBytes", "Protobuf.Bytes")
        case .uint32: return scalar("UInt32", "UInt32")
        case .sfixed32: return scalar("SFixed32", "Int32")
        case .sfixed64: return scalar("SFixed64", "Int64")
        case .sint32: return scalar("SInt32", "Int32")
        case .sint64: return scalar("SInt64", "Int64")
        case .enum:
            guard let name = schema.enums[typeName] else { throw GeneratorError("\(typeName) is not in the request") }
            return ("Protobuf.ProtoEnum<\(name)>", name)
        case .message:
            guard let message = schema.messages[typeName] else {
                throw GeneratorError("\(typeName) is not in the request")
            }
            return ("Protobuf.ProtoMessage<\(message.swiftName)>", message.swiftName)
        default:
            throw GeneratorError("a field has the type number \(type.rawValue), which is not supported")
        }
    }
}
