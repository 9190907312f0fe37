import ResourceKit
import Access
import Contracts
import Journal
import Postgres
import Protobuf
import RPC

/// `slipway.audit.v1.Audit`: questions to the journal of a workspace, or of what concerns none.
public struct AuditService: Slipway.Audit.V1.Audit.SimpleService {
    private typealias V1 = Slipway.Audit.V1
    private let pool: PostgresPool

    public init(_ pool: PostgresPool) { self.pool = pool }

    public func list(
        _ request: Slipway.Audit.V1.ListEntriesRequest, context: ServerContext
    ) async throws -> Slipway.Audit.V1.ListEntriesResponse {
        let workspace = try context.workspace
        guard !request.suite || context.caller.isAdministrator else {
            throw RPCError(.permissionDenied, "what concerns no workspace is for administrators of the suite")
        }
        let size = try PageSize.check(request.pageSize)
        let rows = try await pool.read(try query(request, workspace, limit: size + 1)).all(JournalRecord.self)
        let entries = rows.prefix(size).map { V1.Entry($0) }
        return V1.ListEntriesResponse(
            entries: Array(entries), nextPageToken: rows.count > size ? entries.last?.id ?? "" : "")
    }

    private func query(
        _ request: Slipway.Audit.V1.ListEntriesRequest, _ workspace: Workspace, limit: Int
    ) throws -> PostgresQuery {
        let scope: PostgresQuery = request.suite ? "workspace IS NULL" : "workspace = \(workspace.name)"
        var query: PostgresQuery = """
            SELECT id, transaction, at, actor, action, subject, workspace, reason, before, after, trace
            FROM journal.entries WHERE \(scope)
            """
        if !request.actor.isEmpty {
            query =
                request.actor.contains(":")
                ? "\(query) AND actor = \(request.actor)"
                : "\(query) AND split_part(actor, ':', 2) = \(request.actor)"
        }
        if !request.action.isEmpty { query = "\(query) AND \(AuditService.match("action", request.action, any: ".*"))" }
        if !request.subject.isEmpty {
            query = "\(query) AND \(AuditService.match("subject", request.subject, any: "*"))"
        }
        if let since = request.since { query = "\(query) AND at >= \(try AuditService.time(since, "since"))" }
        if let until = request.until { query = "\(query) AND at < \(try AuditService.time(until, "until"))" }
        if !request.pageToken.isEmpty {
            guard let cursor = JournalCursor(request.pageToken) else {
                throw RPCError.badRequest(field: "page_token", "it is not one that an answer gave")
            }
            query = "\(query) AND (transaction, id) < (\(String(cursor.transaction))::xid8, \(cursor.id))"
        }
        return "\(query) ORDER BY transaction DESC, id DESC LIMIT \(limit)"
    }

    /// A whole value, or with `any` at its end all that begin so.
    private static func match(_ column: String, _ value: String, any: String) -> PostgresQuery {
        guard value.hasSuffix(any) else { return "\(unsafe: column) = \(value)" }
        let prefix = String(value.dropLast(any == "*" ? 1 : any.count - 1))
        return "starts_with(\(unsafe: column), \(prefix))"
    }

    private static func time(
        _ time: Google.Protobuf.Timestamp, _ field: String
    ) throws(RPCError) -> PostgresTimestamp {
        guard let time = PostgresTimestamp(time) else {
            throw .badRequest(field: field, "it is a time of the years 1 to 9999, with nanos of 0 to 999999999")
        }
        return time
    }
}

extension Slipway.Audit.V1.Entry {
    init(_ record: JournalRecord) {
        let entry = record.entry
        self.init(
            id: record.cursor.description, at: .init(record.time), actor: entry.actor, action: entry.action,
            subject: entry.subject, reason: entry.reason ?? "", beforeJson: entry.before?.text ?? "",
            afterJson: entry.after?.text ?? "", traceId: entry.traceID ?? "")
    }
}
