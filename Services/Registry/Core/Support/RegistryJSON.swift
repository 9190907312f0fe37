import Contracts
import Postgres
import Protobuf
import ServiceKit

/// JSON as the tables and the journal hold it. Keys are sorted, so that the same content is the same text.
enum RegistryJSON {
    static func object(_ values: [String: String]) -> String {
        members(values.sorted { $0.key < $1.key }.map { ($0.key, JSONText.quoted($0.value)) })
    }

    /// - Parameter values: finite; JSON knows no others.
    static func object(_ values: [String: Double]) -> String {
        members(values.sorted { $0.key < $1.key }.map { ($0.key, "\($0.value)") })
    }

    static func text(_ value: String) -> String { JSONText.quoted(value) }

    static func array(_ values: [String]) -> String {
        "[" + values.map(JSONText.quoted).joined(separator: ",") + "]"
    }

    /// - Parameter values: JSON by name.
    static func members(_ values: [(String, String)]) -> String { JSONText.object(values) }

    /// Reads what `object` wrote for each of the three into the version.
    static func read(
        tags: PostgresJSON, properties: PostgresJSON, metrics: PostgresJSON,
        into version: inout Slipway.Models.V1.ModelVersion
    ) throws {
        version.tags = try strings(tags)
        version.properties = try strings(properties)
        version.metrics = try numbers(metrics)
    }

    static func strings(_ json: PostgresJSON) throws -> [String: String] {
        guard json.text != "{}" else { return [:] }
        return try Slipway.Models.V1.Model(json: "{\"tags\":\(json.text)}").tags
    }

    static func numbers(_ json: PostgresJSON) throws -> [String: Double] {
        guard json.text != "{}" else { return [:] }
        return try Slipway.Models.V1.ModelVersion(json: "{\"metrics\":\(json.text)}").metrics
    }
}

extension Google.Protobuf.Timestamp {
    init(_ time: PostgresTimestamp) {
        let seconds = time.microseconds / 1_000_000 - (time.microseconds % 1_000_000 < 0 ? 1 : 0)
        self.init(seconds: seconds, nanos: Int32(truncatingIfNeeded: (time.microseconds - seconds * 1_000_000) * 1000))
    }
}

extension PostgresTimestamp {
    /// Nil for what no calendar of ours reaches.
    init?(_ time: Google.Protobuf.Timestamp) {
        guard (-62_135_596_800...253_402_300_799).contains(time.seconds), (0..<1_000_000_000).contains(time.nanos)
        else { return nil }
        self.init(microseconds: time.seconds * 1_000_000 + Int64(time.nanos) / 1000)
    }
}
