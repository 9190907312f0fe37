import Protobuf

/// The JSON that the Connect protocol adds to messages: errors, and the end of a stream.
enum ConnectJSON {
    /// Marks the envelope that ends a stream.
    static let endFlag: UInt8 = 2

    static func body(of error: RPCError) -> [UInt8] {
        var json = JSONWriter()
        write(error, to: &json)
        return json.bytes
    }

    static func endOfStream(_ error: RPCError?, _ metadata: Metadata) -> [UInt8] {
        var json = JSONWriter()
        json.beginObject()
        if let error {
            json.key("error")
            write(error, to: &json)
        }
        let metadata = metadata.withoutReserved()
        if !metadata.isEmpty {
            json.key("metadata")
            json.beginObject()
            var seen: Set<String> = []
            for (key, _) in metadata where seen.insert(key).inserted {
                json.key(key)
                json.beginArray()
                for value in metadata.values(key) {
                    json.element()
                    json.string(value)
                }
                json.endArray()
            }
            json.endObject()
        }
        json.endObject()
        return json.bytes
    }

    private static func write(_ error: RPCError, to json: inout JSONWriter) {
        json.beginObject()
        json.key("code")
        json.string(error.code.name)
        if !error.message.isEmpty {
            json.key("message")
            json.string(error.message)
        }
        if !error.details.isEmpty {
            json.key("details")
            json.beginArray()
            for detail in error.details {
                json.element()
                json.beginObject()
                json.key("type")
                json.string(detail.typeName)
                json.key("value")
                var value = Base64.encode(detail.value)
                while value.last == "=" { value.removeLast() }
                json.string(value)
                json.endObject()
            }
            json.endArray()
        }
        json.endObject()
    }

    /// Reads an error's JSON; nil where it is none. An unknown code is replaced by `fallback`.
    static func error(of bytes: Bytes, fallback: RPCCode) -> RPCError? {
        try? JSONReader.read(bytes) { json in try readError(&json, fallback) }
    }

    /// Reads the end of a stream.
    /// - Throws: `ProtobufError` where it is no such JSON.
    static func readEndOfStream(_ bytes: Bytes) throws -> (error: RPCError?, metadata: Metadata) {
        try JSONReader.read(bytes) { json in
            var error: RPCError?
            var metadata = Metadata()
            try json.members { key, json in
                switch key {
                case "error": if try !json.takeNull() { error = try readError(&json, .unknown) }
                case "metadata":
                    try json.members { name, json in
                        try json.elements { json in metadata.add(name, try json.string()) }
                    }
                default: try json.skipValue()
                }
            }
            return (error, metadata)
        }
    }

    private static func readError(_ json: inout JSONReader, _ fallback: RPCCode) throws -> RPCError {
        var error = RPCError(fallback, "")
        try json.members { key, json in
            switch key {
            case "code": error.code = try json.takeNull() ? fallback : RPCCode(name: try json.string()) ?? fallback
            case "message": error.message = try json.takeNull() ? "" : try json.string()
            case "details":
                if try json.takeNull() { return }
                try json.elements { json in error.details.append(try readDetail(&json)) }
            default: try json.skipValue()
            }
        }
        return error
    }

    private static func readDetail(_ json: inout JSONReader) throws -> ErrorDetail {
        var detail = ErrorDetail(typeName: "", value: [])
        try json.members { key, json in
            switch key {
            case "type": detail.typeName = try json.string()
            case "value": detail.value = (Base64.decode(try json.string()) ?? [])[...]
            default: try json.skipValue()
            }
        }
        return detail
    }
}
