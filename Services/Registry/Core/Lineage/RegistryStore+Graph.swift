import ResourceKit
public import Access
public import Contracts
import Postgres
import Protobuf
import RPC

extension RegistryStore {
    static let lineageDepthMax: Int32 = 50

    /// What is upstream and downstream of a version. Upstream are the things that it came from and those that they came
    /// from; downstream what came of it. What else came of the same data is not shown.
    /// - Throws: `RPCError`: `invalidArgument`, `notFound`.
    public func lineage(
        _ request: Slipway.Models.V1.LineageRequest, in workspace: Workspace
    ) async throws -> Slipway.Models.V1.LineageGraph {
        let reference = try VersionReference(request.version)
        guard (0...RegistryStore.lineageDepthMax).contains(request.depth) else {
            throw RPCError.badRequest(
                field: "depth", "it is 1 to \(RegistryStore.lineageDepthMax), or 0 for 10")
        }
        guard let center = try await find(reference, in: workspace) else {
            throw try await missing(reference, in: workspace)
        }
        let depth = request.depth == 0 ? 10 : request.depth
        var walk = LineageWalk(from: center.subject)
        try await walkOn(&walk, depth, downstream: false, in: workspace)
        walk.turn(to: center.subject)
        try await walkOn(&walk, depth, downstream: true, in: workspace)
        var graph = Slipway.Models.V1.LineageGraph()
        graph.nodes = try await describe(walk.nodes, in: workspace)
        graph.edges = walk.edges
        graph.truncated = walk.isTruncated
        return graph
    }

    /// One question for each step, whatever the number of nodes that stand there.
    private func walkOn(
        _ walk: inout LineageWalk, _ depth: Int32, downstream: Bool, in workspace: Workspace
    ) async throws {
        for _ in 0..<depth {
            guard !walk.edge.isEmpty else { return }
            walk.step(try await neighbours(walk.edge, downstream, in: workspace), downstream: downstream)
        }
        // Whether there is more behind the last step.
        let more = try await neighbours(walk.edge, downstream, in: workspace)
        if !more.isEmpty { walk.truncate() }
    }

    private func neighbours(
        _ nodes: [String], _ downstream: Bool, in workspace: Workspace
    ) async throws -> [Slipway.Models.V1.LineageEdge] {
        guard !nodes.isEmpty else { return [] }
        let rows = try await pool.read(
            downstream
                ? RegistryStore.downstream(nodes, workspace.databaseID)
                : RegistryStore.upstream(nodes, workspace.databaseID))
        return try rows.all((String, String, String).self).map {
            Slipway.Models.V1.LineageEdge(from: $0.0, to: $0.1, relation: $0.2)
        }
    }

    /// One more than can be shown, so that it is seen that there are more.
    private static var limit: PostgresQuery { "LIMIT \(unsafe: "\(LineageWalk.nodesMax + 1)")" }

    private static var relation: PostgresQuery {
        """
        CASE o.relation WHEN 'run' THEN 'produced' WHEN 'dataset' THEN 'trained-on' WHEN 'commit' THEN 'trained-from'
            ELSE 'derived' END
        """
    }

    private static func upstream(_ nodes: [String], _ workspace: PostgresUUID) -> PostgresQuery {
        """
        SELECT o.origin, 'models/' || v.name || ':' || v.version, \(relation)
        FROM (\(versions(nodes, workspace))) AS v JOIN registry.origins AS o ON o.version = v.id
        UNION ALL
        SELECT 'models/' || v.name || ':' || v.version, u."user",
            CASE split_part(u."user", '/', 1) WHEN 'images' THEN 'packed' ELSE 'served' END
        FROM registry.uses AS u JOIN registry.versions AS v ON v.id = u.version
        WHERE u.workspace = \(workspace) AND u."user" = ANY(\(nodes))
        UNION ALL
        SELECT i.image, i."user", 'served' FROM registry.image_uses AS i
        WHERE i.workspace = \(workspace) AND i."user" = ANY(\(nodes))
        ORDER BY 1, 2, 3 \(limit)
        """
    }

    private static func downstream(_ nodes: [String], _ workspace: PostgresUUID) -> PostgresQuery {
        """
        SELECT o.origin, 'models/' || v.name || ':' || v.version, \(relation)
        FROM registry.origins AS o JOIN registry.versions AS v ON v.id = o.version
        WHERE o.workspace = \(workspace) AND o.relation = 'parent' AND o.origin = ANY(\(nodes))
        UNION ALL
        SELECT 'models/' || v.name || ':' || v.version, u."user",
            CASE split_part(u."user", '/', 1) WHEN 'images' THEN 'packed' ELSE 'served' END
        FROM (\(versions(nodes, workspace))) AS v
        JOIN registry.uses AS u ON u.version = v.id AND u.workspace = \(workspace)
        UNION ALL
        SELECT i.image, i."user", 'served' FROM registry.image_uses AS i
        WHERE i.workspace = \(workspace) AND i.image = ANY(\(nodes))
        ORDER BY 1, 2, 3 \(limit)
        """
    }

    /// The versions among the nodes.
    private static func versions(_ nodes: [String], _ workspace: PostgresUUID) -> PostgresQuery {
        let references = versionReferences(nodes)
        return """
            SELECT v.id, v.name, v.version
            FROM unnest(\(references.names), \(references.numbers)) AS given (name, version)
            JOIN registry.versions AS v
                ON v.workspace = \(workspace) AND v.name = given.name AND v.version = given.version
            """
    }

    static func versionReferences(_ nodes: [String]) -> (names: [String], numbers: [Int32]) {
        var names: [String] = []
        var numbers: [Int32] = []
        for node in nodes where node.hasPrefix("models/") {
            guard let reference = VersionReference(parsing: String(node.dropFirst(7))),
                case .number(let number) = reference.which
            else { continue }
            names.append(reference.name)
            numbers.append(number)
        }
        return (names, numbers)
    }
}
