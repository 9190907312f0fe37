import Access
import Contracts
import Journal
import Postgres
import Protobuf
import RPC
import ResourceKit

/// Reads events of the past, a page at a time.
struct EventQuery: Sendable {
    let journal: Journal
    let mapping: any EventMapping
    let filters: any EventFilterParsing

    /// So many rows of the journal are looked at for a page at most.
    private static let examinedMax = 20_000

    static func filter(_ text: String, _ parser: any EventFilterParsing) throws(RPCError) -> any EventFiltering {
        do {
            return try parser.parse(text)
        } catch {
            throw .badRequest(field: "filter", "\(error)")
        }
    }

    func list(
        _ request: Slipway.Events.V1.ListEventsRequest, in workspace: Workspace
    ) async throws -> Slipway.Events.V1.ListEventsResponse {
        let size = try PageSize.check(request.pageSize)
        let filter = try EventQuery.filter(request.filter, filters)
        let since = try EventQuery.time(request.since, "since")
        let until = try EventQuery.time(request.until, "until")
        let query =
            "events \(workspace.id) \(since?.microseconds ?? 0) \(until?.microseconds ?? 0) \(request.filter)"
        var place = try await journal.horizon()
        if let token = try PageToken.read(request.pageToken, for: query) {
            guard let read = token.values.first.flatMap({ JournalCursor($0) }) else { throw PageToken.refusal }
            place = read
        }
        let first = if let since { try await journal.place(before: since) } else { JournalCursor.start }
        var response = Slipway.Events.V1.ListEventsResponse()
        var examined = 0
        while true {
            let records = try await journal.readBack(before: place, limit: 1000)
            for record in records {
                guard record.cursor > first else { return response }
                place = record.cursor
                examined += 1
                guard record.entry.workspace == workspace.name, since.map({ record.time >= $0 }) ?? true,
                    until.map({ record.time < $0 }) ?? true, let event = mapping.event(from: record),
                    filter.matches(event)
                else { continue }
                response.events.append(Slipway.Events.V1.Event(event))
                if response.events.count == size { break }
            }
            if records.isEmpty { return response }
            guard response.events.count < size, examined < EventQuery.examinedMax else {
                response.nextPageToken = PageToken(values: [place.description]).text(for: query)
                return response
            }
        }
    }

    func get(_ id: String, in workspace: Workspace) async throws -> Slipway.Events.V1.Event {
        if let record = try await journal.read(number: Int64(id) ?? -1, workspace: workspace.name),
            let event = mapping.event(from: record), event.id == id
        {
            return Slipway.Events.V1.Event(event)
        }
        throw Refusal.notFound(
            "slipway.events.v1.Event", id, "there is no event \(shown(id)) in the workspace \(workspace.name)")
    }

    static func time(_ given: Google.Protobuf.Timestamp?, _ field: String) throws(RPCError) -> PostgresTimestamp? {
        guard let given else { return nil }
        guard let time = PostgresTimestamp(given) else {
            throw .badRequest(field: field, "it is no time between the years 1 and 9999")
        }
        return time
    }
}
