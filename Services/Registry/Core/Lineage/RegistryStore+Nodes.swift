import ResourceKit
import Access
import Contracts
import Postgres
import Protobuf

extension RegistryStore {
    /// What is known of the nodes, in their order.
    func describe(
        _ nodes: [String], in workspace: Workspace
    ) async throws -> [Slipway.Models.V1.LineageNode] {
        let references = RegistryStore.versionReferences(nodes)
        var known: [String: Slipway.Models.V1.LineageNode] = [:]
        let versions = try await pool.read(
            """
            SELECT v.name, v.version, v.created_by, v.created, v.deleted IS NOT NULL
            FROM unnest(\(references.names), \(references.numbers)) AS given (name, version)
            JOIN registry.versions AS v ON v.workspace = \(workspace.databaseID) AND v.name = given.name
                AND v.version = given.version
            """
        ).all((String, Int32, String, PostgresTimestamp, Bool).self)
        for (name, version, actor, created, isDeleted) in versions {
            let id = "models/\(name):\(version)"
            known[id] = Slipway.Models.V1.LineageNode(
                id: id, kind: .model, name: "\(name):\(version)", state: isDeleted ? "deleted" : "", actor: actor,
                at: Google.Protobuf.Timestamp(created))
        }
        let users = try await pool.read(
            """
            SELECT "user", kind, state, reported_by, reported FROM registry.users
            WHERE workspace = \(workspace.databaseID) AND "user" = ANY(\(nodes))
            """
        ).all((String, String, String, String, PostgresTimestamp).self)
        for (user, kind, state, actor, reported) in users {
            known[user] = Slipway.Models.V1.LineageNode(
                id: user, kind: kind == "image" ? .image : .deployment, name: RegistryStore.name(of: user),
                state: state,
                actor: actor, at: Google.Protobuf.Timestamp(reported))
        }
        let relations = try await pool.read(
            """
            SELECT DISTINCT origin, relation FROM registry.origins
            WHERE workspace = \(workspace.databaseID) AND relation <> 'parent' AND origin = ANY(\(nodes))
            """
        ).all((String, String).self)
        let kinds = Dictionary(relations.map { ($0.0, $0.1) }) { first, _ in first }
        return nodes.map { node in
            known[node]
                ?? Slipway.Models.V1.LineageNode(
                    id: node, kind: RegistryStore.kind(of: node, kinds[node]), name: RegistryStore.name(of: node))
        }
    }

    /// Something of which only the name is known: it was purged, or belongs to another part of the suite.
    private static func kind(of node: String, _ relation: String?) -> Slipway.Models.V1.NodeKind {
        switch relation {
        case "run": .run
        case "dataset": .dataset
        case "commit": .commit
        default: node.hasPrefix("models/") ? .model : node.hasPrefix("images/") ? .image : .deployment
        }
    }

    private static func name(of node: String) -> String {
        for prefix in ["models/", "images/", "deployments/", "runs/", "datasets/"] where node.hasPrefix(prefix) {
            return String(node.dropFirst(prefix.count))
        }
        return node
    }
}
