import Protobuf

/// How messages are written.
public enum Codec: Sendable, Hashable {
    case proto
    case json

    /// Encodes a message behind `prefix` free bytes.
    /// - Parameter registry: the types that an `Any` may hold in JSON.
    @inlinable
    func encode(_ message: some Message, prefix: Int = 0, registry: TypeRegistry) throws -> [UInt8] {
        switch self {
        case .proto: return message.serialized(prefix: prefix)
        case .json:
            do {
                let text = try message.jsonBytes(options: JSONEncodingOptions(registry: registry))
                return prefix == 0 ? text : [UInt8](repeating: 0, count: prefix) + text
            } catch { throw RPCError(.internal, "cannot write \(type(of: message).messageName) as JSON: \(error)") }
        }
    }

    /// Decodes a message.
    /// - Throws: `RPCError` with `invalidArgument` that says where the input stopped making sense.
    @inlinable
    func decode<M: Message>(_ type: M.Type, _ bytes: Bytes, registry: TypeRegistry) throws -> M {
        do {
            switch self {
            case .proto: return try M(serialized: bytes)
            case .json:
                return try M(json: bytes, options: JSONDecodingOptions(ignoresUnknownFields: true, registry: registry))
            }
        } catch { throw RPCError(.invalidArgument, "cannot read \(M.messageName): \(error)") }
    }
}
