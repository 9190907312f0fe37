import Postgres
import Protobuf
import ServiceKit

/// JSON as the tables and the journal hold it. Keys are sorted, so that the same content is the same text.
package enum RowJSON {
    package static func object(_ values: [String: String]) -> String {
        members(values.sorted { $0.key < $1.key }.map { ($0.key, JSONText.quoted($0.value)) })
    }

    /// - Parameter values: finite; JSON knows no others.
    package static func object(_ values: [String: Double]) -> String {
        members(values.sorted { $0.key < $1.key }.map { ($0.key, "\($0.value)") })
    }

    package static func text(_ value: String) -> String { JSONText.quoted(value) }

    package static func array(_ values: [String]) -> String {
        "[" + values.map(JSONText.quoted).joined(separator: ",") + "]"
    }

    /// - Parameter values: JSON by name.
    package static func members(_ values: [(String, String)]) -> String { JSONText.object(values) }

    /// What `object` wrote.
    /// - Throws: `ProtobufError` for anything else.
    package static func strings(_ json: PostgresJSON) throws -> [String: String] {
        guard json.text != "{}" else { return [:] }
        return try JSONReader.read(Array(json.text.utf8)[...]) { json in
            var found: [String: String] = [:]
            try json.members { key, json in found[key] = try json.string() }
            return found
        }
    }
}

extension Google.Protobuf.Timestamp {
    package init(_ time: PostgresTimestamp) {
        let seconds = time.microseconds / 1_000_000 - (time.microseconds % 1_000_000 < 0 ? 1 : 0)
        self.init(seconds: seconds, nanos: Int32(truncatingIfNeeded: (time.microseconds - seconds * 1_000_000) * 1000))
    }
}

extension PostgresTimestamp {
    /// Nil for what no calendar of ours reaches.
    package init?(_ time: Google.Protobuf.Timestamp) {
        guard (-62_135_596_800...253_402_300_799).contains(time.seconds), (0..<1_000_000_000).contains(time.nanos)
        else { return nil }
        self.init(microseconds: time.seconds * 1_000_000 + Int64(time.nanos) / 1000)
    }
}
