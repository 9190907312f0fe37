import Contracts
import Postgres
import ResourceKit

extension RowJSON {
    /// Reads what `object` wrote for each of the three into the version.
    static func read(
        tags: PostgresJSON, properties: PostgresJSON, metrics: PostgresJSON,
        into version: inout Slipway.Models.V1.ModelVersion
    ) throws {
        version.tags = try strings(tags)
        version.properties = try strings(properties)
        version.metrics = try numbers(metrics)
    }

    static func numbers(_ json: PostgresJSON) throws -> [String: Double] {
        guard json.text != "{}" else { return [:] }
        return try Slipway.Models.V1.ModelVersion(json: "{\"metrics\":\(json.text)}").metrics
    }
}
