public import Contracts
import Journal
public import Postgres
import Protobuf
public import RPC
import ResourceKit

/// `slipway.events.v1.Events`: what callers read themselves, each in the workspace of its call.
public struct EventsService: Slipway.Events.V1.Events.SimpleService {
    private let query: EventQuery
    private let feed: JournalFeed
    private let mapping: any EventMapping
    private let watcher: ActivityWatcher

    /// - Parameter feed: has to run for as long as calls are taken.
    public init(
        _ pool: PostgresPool, feed: JournalFeed, mapping: any EventMapping, filters: any EventFilterParsing,
        watcher: ActivityWatcher
    ) {
        query = EventQuery(journal: Journal(pool), mapping: mapping, filters: filters)
        self.feed = feed
        self.mapping = mapping
        self.watcher = watcher
    }

    /// Most events in one message.
    private static let eventsMax = 100

    /// The reader's pace is the stream's: nothing is read from the journal before what was read is written.
    public func tail(
        _ request: Slipway.Events.V1.TailRequest, responses: ResponseWriter<Slipway.Events.V1.TailResponse>,
        context: ServerContext
    ) async throws {
        let workspace = try context.workspace
        let filter = try EventQuery.filter(request.filter, query.filters)
        var place = try await start(request)
        // The first message says where it begins, so that a call that breaks off before an event misses nothing.
        var response = Slipway.Events.V1.TailResponse()
        response.cursor = place.description
        try await responses.write(response)
        var told = place
        while true {
            guard let chunk = try await feed.chunk(after: place) else {
                try await feed.wait(after: place)
                continue
            }
            var response = Slipway.Events.V1.TailResponse()
            for event in chunk.events(after: place) where event.workspace == workspace.name && filter.matches(event) {
                response.events.append(Slipway.Events.V1.Event(event))
                guard response.events.count == EventsService.eventsMax else { continue }
                response.cursor = event.cursor.description
                try await responses.write(response)
                told = event.cursor
                response = Slipway.Events.V1.TailResponse()
            }
            place = chunk.end
            // Where nothing came for long, the cursor still moves on: what it stands at may be forgotten one day.
            let isFar = place.transaction > told.transaction + 10_000
            guard !response.events.isEmpty || isFar else { continue }
            response.cursor = place.description
            try await responses.write(response)
            told = place
        }
    }

    private func start(_ request: Slipway.Events.V1.TailRequest) async throws -> JournalCursor {
        if request.after.isEmpty {
            guard let since = try EventQuery.time(request.since, "since") else { return try await feed.now() }
            return try await query.journal.place(before: since)
        }
        guard request.since == nil else {
            throw RPCError.badRequest(field: "since", "either a place or a time is given, not both")
        }
        guard let cursor = JournalCursor(request.after) else {
            throw RPCError.badRequest(field: "after", "\(shown(request.after)) is no cursor of an event")
        }
        if let retired = try await query.journal.retiredUpTo(), cursor < retired {
            throw Refusal.precondition(
                "the journal does not keep all events after \(cursor) any more; \(retired) is the first place that it does",
                [.init(type: "RETAINED", subject: "after", description: "it is before \(retired)")])
        }
        return cursor
    }

    public func listEvents(
        _ request: Slipway.Events.V1.ListEventsRequest, context: ServerContext
    ) async throws -> Slipway.Events.V1.ListEventsResponse {
        try await query.list(request, in: context.workspace)
    }

    public func getEvent(
        _ request: Slipway.Events.V1.GetEventRequest, context: ServerContext
    ) async throws -> Slipway.Events.V1.Event {
        try await query.get(request.id, in: context.workspace)
    }

    public func listTypes(
        _ request: Slipway.Events.V1.ListTypesRequest, context: ServerContext
    ) async throws -> Slipway.Events.V1.ListTypesResponse {
        var response = Slipway.Events.V1.ListTypesResponse()
        response.types = mapping.types
        return response
    }

    public func watchActivities(
        _ request: Slipway.Events.V1.WatchActivitiesRequest,
        responses: ResponseWriter<Slipway.Activities.V1.Activity>, context: ServerContext
    ) async throws {
        try await watcher.watch(request, in: context.workspace.name) { try await responses.write($0) }
    }
}
