/// The text of a JSON document; bound as `jsonb`, read from `jsonb` and `json`. Whether it is JSON, the server says.
public struct PostgresJSON: Hashable, Sendable {
    public var text: String

    public init(_ text: String) { self.text = text }
}

extension PostgresJSON: PostgresEncodable, PostgresDecodable {
    public static var postgresType: PostgresType { .jsonb }

    public func encode(into buffer: inout [UInt8]) {
        // The version of the binary form: 1 is all there is.
        buffer.append(1)
        buffer.append(contentsOf: text.utf8)
    }

    public static func decode(_ cell: PostgresCell) throws(PostgresCellError) -> PostgresJSON {
        switch cell.type {
        case .json: return PostgresJSON(String(decoding: cell.bytes, as: UTF8.self))
        case .jsonb:
            guard cell.bytes.first == 1 else { throw .malformed("an unknown version of jsonb") }
            return PostgresJSON(String(decoding: cell.bytes.dropFirst(), as: UTF8.self))
        default: throw .mismatch
        }
    }
}
