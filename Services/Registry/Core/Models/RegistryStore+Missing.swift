import ResourceKit
import Access
import Postgres
import RPC

extension RegistryStore {
    /// Why there is no such version, and what there is nearby.
    func missing(_ reference: VersionReference, in workspace: Workspace) async throws -> RPCError {
        let found = try await pool.read(
            """
            SELECT m.latest_version, ARRAY(
                SELECT alias FROM registry.aliases AS a WHERE a.model = m.id ORDER BY alias LIMIT 100)
            FROM registry.models AS m
            WHERE m.workspace = \(workspace.databaseID) AND m.name = \(reference.name)
            """
        ).all((Int32?, [String]).self)
        guard let (latest, aliases) = found.first else {
            return try await missing(model: reference.name, in: workspace)
        }
        let nearby: String
        switch (reference.which, latest) {
        case (_, nil): nearby = "; it has none that is not deleted"
        case (.alias(let alias), _?):
            if aliases.isEmpty {
                nearby = "; the model has no aliases"
            } else if let near = NearNames.nearest(to: alias, of: aliases) {
                nearby = "; did you mean \(reference.name)@\(near)?"
            } else {
                nearby = "; its aliases are \(aliases.prefix(10).joined(separator: ", "))"
            }
        case (_, let latest?): nearby = "; the latest is \(reference.name):\(latest)"
        }
        return Refusal.notFound(
            "version", "models/\(reference.text)",
            "there is no version \(reference.text) in the workspace \"\(workspace.name)\"\(nearby)")
    }

    func missing(model name: String, in workspace: Workspace) async throws -> RPCError {
        // Those beside it in the order of names, and some that begin otherwise: enough to find a slip of the finger.
        let names = try await pool.read(
            """
            (SELECT name FROM registry.models WHERE workspace = \(workspace.databaseID) AND name < \(name)
                ORDER BY name DESC LIMIT 200)
            UNION ALL (SELECT name FROM registry.models WHERE workspace = \(workspace.databaseID) AND name > \(name)
                ORDER BY name LIMIT 200)
            UNION ALL (SELECT name FROM registry.models WHERE workspace = \(workspace.databaseID)
                ORDER BY id DESC LIMIT 200)
            """
        ).all(String.self)
        let near = NearNames.nearest(to: name, of: names).map { "; did you mean \"\($0)\"?" } ?? ""
        return Refusal.notFound(
            "model", "models/\(name)",
            "there is no model \"\(name)\" in the workspace \"\(workspace.name)\"\(near)")
    }
}
