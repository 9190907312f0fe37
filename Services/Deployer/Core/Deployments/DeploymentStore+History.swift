package import Access
package import Contracts
internal import Journal
internal import Postgres
internal import Protobuf
internal import RPC
internal import ResourceKit

extension DeploymentStore {
    /// What happened to a deployment, the newest first; also to one that is gone.
    /// - Throws: `RPCError`: `invalidArgument`, `notFound` where nothing is known of one of that name.
    package func history(
        _ request: V1.HistoryRequest, in workspace: Workspace
    ) async throws -> V1.HistoryResponse {
        var violations = FieldViolations()
        violations.check(place: request.name)
        try violations.check()
        let size = try PageSize.check(request.pageSize)
        let query = "history \(workspace.id) \(request.name)"
        var bound: PostgresQuery = "true"
        if let token = try PageToken.read(request.pageToken, for: query) {
            guard let last = token.values.first.flatMap(Int64.init) else { throw PageToken.refusal }
            bound = "id < \(last)"
        }
        let rows = try await pool.read(
            """
            SELECT id, transaction, at, actor, action, subject, workspace, reason, before, after, trace
            FROM journal.entries
            WHERE subject = \(DeploymentJournal.subject(request.name)) AND workspace = \(workspace.name) AND \(bound)
                -- What other services took down of it is their own story.
                AND action NOT LIKE '%.use-reported'
            ORDER BY id DESC LIMIT \(size + 1)
            """
        ).all(JournalRecord.self)
        if rows.isEmpty, request.pageToken.isEmpty { throw try await missing(request.name, in: workspace) }
        var response = V1.HistoryResponse()
        response.entries = rows.prefix(size).map { row in
            V1.HistoryEntry(
                at: .init(row.time), action: row.entry.action, actor: row.entry.actor,
                message: DeploymentStore.message(of: row.entry), reason: row.entry.reason ?? "")
        }
        if rows.count > size, let last = rows.prefix(size).last {
            response.nextPageToken = PageToken(values: ["\(last.cursor.id)"]).text(for: query)
        }
        return response
    }

    /// What a row says for people.
    private static func message(of entry: JournalEntry) -> String {
        guard let after = entry.after else { return "" }
        let message = try? JSONReader.read(Array(after.text.utf8)[...]) { json in
            var message = ""
            try json.members { key, json in
                if key == "message" { message = try json.string() } else { try json.skipValue() }
            }
            return message
        }
        return message ?? ""
    }

    /// Why there are as many replicas as there are.
    /// - Throws: `RPCError`: `invalidArgument`, `notFound`.
    package func explain(
        _ request: V1.ExplainRequest, in workspace: Workspace
    ) async throws -> V1.ExplainResponse {
        guard (0...1000).contains(request.decisions) else {
            throw RPCError.badRequest(field: "decisions", "it is 1 to 1,000, or 0 for 20")
        }
        let record = try await record(request.name, in: workspace)
        let rows = try await pool.read(
            """
            SELECT at, decision FROM deployments.decisions WHERE deployment = \(record.id)
            ORDER BY id DESC LIMIT \(request.decisions == 0 ? 20 : Int(request.decisions))
            """
        ).all((PostgresTimestamp, [UInt8]).self)
        let decisions = try rows.map { at, bytes in
            var decision = try V1.ScalingDecision(serialized: bytes)
            decision.at = .init(at)
            return decision
        }
        return .init(summary: DeploymentStore.summary(record, decisions.first), decisions: decisions)
    }

    private static func summary(_ record: DeploymentRecord, _ last: V1.ScalingDecision?) -> String {
        let status = record.deployment.status ?? .init()
        let scaling = record.deployment.scaling ?? .init()
        let bounds =
            scaling.minimum == scaling.maximum
            ? "exactly \(scaling.maximum)" : "\(scaling.minimum ?? 1) to \(scaling.maximum)"
        var parts = [
            "\(status.wanted) \(status.wanted == 1 ? "replica is" : "replicas are") wanted and \(status.ready) ready; "
                + "\(bounds) may be, \(scaling.measureText)"
        ]
        if let last, !last.reason.isEmpty { parts.append(last.reason) }
        if last == nil { parts.append("nothing was decided yet") }
        return parts.joined(separator: ": ")
    }
}
