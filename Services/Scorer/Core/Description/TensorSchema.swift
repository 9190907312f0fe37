import Serving

/// JSON schemas of what models take and give.
enum TensorSchema {
    /// One element.
    static func element(_ datatype: Datatype) -> JSONTree {
        switch datatype {
        case .bool: ["type": "boolean"]
        case .bytes: ["type": "string"]
        // Any number: one that is too large is infinite.
        case .fp16, .fp32, .fp64, .bf16: ["type": "number"]
        case .uint8: integer(UInt8.self)
        case .uint16: integer(UInt16.self)
        case .uint32: integer(UInt32.self)
        case .uint64: integer(UInt64.self)
        case .int8: integer(Int8.self)
        case .int16: integer(Int16.self)
        case .int32: integer(Int32.self)
        case .int64: integer(Int64.self)
        }
    }

    private static func integer<Value: FixedWidthInteger>(_ type: Value.Type) -> JSONTree {
        ["type": "integer", "minimum": .integer(Value.min), "maximum": .integer(Value.max)]
    }

    /// What an element of an answer is: floats may be no number, which JSON has no word for.
    static func answered(_ datatype: Datatype) -> JSONTree {
        switch datatype {
        case .bool: ["type": "boolean"]
        case .bytes: ["type": "string"]
        case .fp16, .fp32, .fp64, .bf16: ["type": "number"]
        default: ["type": "integer"]
        }
    }

    /// Lists nested as a shape says, the first of its dimensions outermost.
    static func nested(_ shape: ArraySlice<Int>, _ element: JSONTree) -> JSONTree {
        guard let length = shape.first else { return element }
        var members: [JSONTree.Member] = [
            .init(name: "type", value: "array"), .init(name: "items", value: nested(shape.dropFirst(), element)),
        ]
        if length >= 0 {
            members.append(.init(name: "minItems", value: .integer(length)))
            members.append(.init(name: "maxItems", value: .integer(length)))
        }
        return .object(members)
    }

    /// Elements to show, as many as a shape asks for; open dimensions have one.
    static func example(_ shape: ArraySlice<Int>, _ datatype: Datatype) -> JSONTree {
        guard let length = shape.first else {
            switch datatype {
            case .bool: return true
            case .bytes: return "text"
            case .fp16, .fp32, .fp64, .bf16: return .number("0.5")
            default: return 1
            }
        }
        // A picture has more elements than anybody wants to read.
        let count = length < 0 ? 1 : min(length, 8)
        return .array(Array(repeating: example(shape.dropFirst(), datatype), count: count))
    }

    /// Whether the example holds all elements of the shape.
    static func isShown(_ shape: [Int]) -> Bool { shape.allSatisfy { $0 <= 8 } }
}
