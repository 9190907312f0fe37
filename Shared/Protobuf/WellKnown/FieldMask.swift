extension Google.Protobuf.FieldMask {
    public static var hasCustomJSON: Bool { true }

    public func encodeJSON(into json: inout JSONWriter) throws {
        json.string(
            try paths.map { path in
                guard let camel = Self.camel(path) else {
                    throw ProtobufError(.invalidValue, "the path \"\(path)\" of a FieldMask has no form in JSON")
                }
                return camel
            }.joined(separator: ","))
    }

    public mutating func mergeJSON(from json: inout JSONReader) throws {
        let before = json
        let text = try json.string()
        if text.isEmpty { return }
        paths = try text.split(separator: ",", omittingEmptySubsequences: false).map { path in
            guard let snake = Self.snake(path) else {
                throw before.failure(.invalidValue, "\"\(path)\" is no path of a FieldMask in lowerCamelCase")
            }
            return snake
        }
    }

    /// `foo_bar.baz` as `fooBar.baz`; nil when the way back would lead elsewhere.
    private static func camel(_ path: String) -> String? {
        var result: [UInt8] = []
        var raises = false
        for byte in path.utf8 {
            switch byte {
            case UInt8(ascii: "A")...UInt8(ascii: "Z"): return nil
            case UInt8(ascii: "_"):
                if raises { return nil }
                raises = true
            case UInt8(ascii: "a")...UInt8(ascii: "z"):
                result.append(raises ? byte - 32 : byte)
                raises = false
            default:
                if raises { return nil }
                result.append(byte)
            }
        }
        return raises ? nil : String(decoding: result, as: UTF8.self)
    }

    private static func snake(_ path: Substring) -> String? {
        var result: [UInt8] = []
        for byte in path.utf8 {
            switch byte {
            case UInt8(ascii: "A")...UInt8(ascii: "Z"): result += [UInt8(ascii: "_"), byte + 32]
            case UInt8(ascii: "_"): return nil
            default: result.append(byte)
            }
        }
        return result.isEmpty ? nil : String(decoding: result, as: UTF8.self)
    }
}
