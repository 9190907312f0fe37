import Access
import Contracts
import Journal
import Postgres
import Protobuf
import RPC
import ResourceKit

extension SubscriptionStore {
    func deadLetters(
        _ request: Slipway.Events.V1.ListDeadLettersRequest, in workspace: Workspace
    ) async throws -> Slipway.Events.V1.ListDeadLettersResponse {
        let size = try PageSize.check(request.pageSize)
        let row = try await find(request.name, in: workspace)
        let query = "dead letters \(row.id)"
        let before = try SubscriptionStore.number(request.pageToken, query)
        let rows = try await pool.read(
            """
            SELECT number, content, reason, attempts, outcome, last_attempt, died FROM events.dead_letters
            WHERE subscription = \(row.id) AND number < \(before) ORDER BY number DESC LIMIT \(size + 1)
            """
        ).all((Int64, [UInt8], String, Int32, String, PostgresTimestamp?, PostgresTimestamp).self)
        var response = Slipway.Events.V1.ListDeadLettersResponse()
        response.letters = try rows.prefix(size).map { _, content, reason, attempts, outcome, last, died in
            var letter = Slipway.Events.V1.DeadLetter()
            let event = try Slipway.Events.V1.Event(serialized: content)
            letter.event = event
            letter.reason = reason
            letter.attempts = attempts
            letter.lastOutcome = outcome
            letter.publishedAt = event.time
            letter.lastAttemptAt = last.map(Google.Protobuf.Timestamp.init)
            letter.diedAt = Google.Protobuf.Timestamp(died)
            return letter
        }
        if rows.count > size { response.nextPageToken = PageToken(values: ["\(rows[size - 1].0)"]).text(for: query) }
        return response
    }

    func deliveries(
        _ request: Slipway.Events.V1.ListDeliveriesRequest, in workspace: Workspace
    ) async throws -> Slipway.Events.V1.ListDeliveriesResponse {
        let size = try PageSize.check(request.pageSize)
        let row = try await find(request.name, in: workspace)
        let query = "deliveries \(row.id) \(request.failed) \(request.event)"
        let before = try SubscriptionStore.number(request.pageToken, query)
        var condition: PostgresQuery = "subscription = \(row.id) AND number < \(before)"
        if request.failed { condition = "\(condition) AND NOT delivered" }
        if !request.event.isEmpty {
            condition = "\(condition) AND \(request.event) = ANY(string_to_array(events, E'\\n'))"
        }
        let rows = try await pool.read(
            """
            SELECT number, attempt_id, events, attempt, at, took_us, status, outcome, delivered, next
            FROM events.deliveries WHERE \(condition) ORDER BY number DESC LIMIT \(size + 1)
            """)
        var response = Slipway.Events.V1.ListDeliveriesResponse()
        response.deliveries = try rows.prefix(size).map(SubscriptionStore.delivery)
        if rows.count > size {
            let last: Int64 = try rows[size - 1].decode("number")
            response.nextPageToken = PageToken(values: ["\(last)"]).text(for: query)
        }
        return response
    }

    private static func delivery(_ row: PostgresRow) throws -> Slipway.Events.V1.Delivery {
        var delivery = Slipway.Events.V1.Delivery()
        delivery.id = try row.decode("attempt_id")
        delivery.events = try row.decode("events", as: String.self).split(separator: "\n").map(String.init)
        delivery.attempt = try row.decode("attempt")
        delivery.at = Google.Protobuf.Timestamp(try row.decode("at"))
        delivery.took = duration(microseconds: try row.decode("took_us"))
        delivery.status = try row.decode("status")
        delivery.outcome = try row.decode("outcome")
        delivery.delivered = try row.decode("delivered")
        delivery.nextAttemptAt = try row.decode("next", as: PostgresTimestamp?.self)
            .map(Google.Protobuf.Timestamp.init)
        return delivery
    }

    private static func duration(microseconds: Int64) -> Google.Protobuf.Duration {
        Google.Protobuf.Duration(
            seconds: microseconds / 1_000_000, nanos: Int32(truncatingIfNeeded: microseconds % 1_000_000) * 1000)
    }

    private static func number(_ token: String, _ query: String) throws(RPCError) -> Int64 {
        guard let token = try PageToken.read(token, for: query) else { return .max }
        guard let number = token.values.first.flatMap({ Int64($0) }) else { throw PageToken.refusal }
        return number
    }

    /// Sends an event at once, past the queue, and says what became of it.
    func test(
        _ request: Slipway.Events.V1.TestSubscriptionRequest, by change: WorkspaceChange
    ) async throws -> Slipway.Events.V1.Delivery {
        let row = try await find(request.name, in: change.workspace)
        let secrets = try await secretsOf(row, in: change)
        let now = PostgresTimestamp.now
        let event = EventRecord(
            id: "test-\(PostgresUUID.random())", type: "slipway.test", workspace: change.workspace.name,
            subject: "subscriptions/\(request.name)", time: now,
            data: RowJSON.object(["subscription": request.name]), actor: change.actor)
        let attempt = DeliveryAttempt(id: PostgresUUID.random().description, number: 1)
        let destination = DestinationSpecification(
            row.message.destination ?? Slipway.Events.V1.Destination(),
            headers: secrets.headers.sorted { $0.key < $1.key }.map { ($0.key, $0.value) },
            signingSecrets: secrets.current(now))
        let outcome = await sender.send([event], to: destination, attempt: attempt)
        let took = outcome.took.wholeNanoseconds / 1000
        let isDelivered = outcome.kind == .delivered
        try await pool.execute(
            """
            INSERT INTO events.deliveries (subscription, attempt_id, events, attempt, at, took_us, status, outcome,
                delivered)
            SELECT id, \(attempt.id), \(event.id), 1, \(now), \(took), \(Int32(clamping: outcome.status)),
                \(outcome.description), \(isDelivered)
            FROM events.subscriptions WHERE id = \(row.id)
            """)
        var delivery = Slipway.Events.V1.Delivery()
        delivery.id = attempt.id
        delivery.events = [event.id]
        delivery.attempt = 1
        delivery.at = Google.Protobuf.Timestamp(now)
        delivery.took = SubscriptionStore.duration(microseconds: took)
        delivery.status = Int32(clamping: outcome.status)
        delivery.outcome = outcome.description
        delivery.delivered = isDelivered
        return delivery
    }

    func testFilter(
        _ request: Slipway.Events.V1.TestFilterRequest, in workspace: Workspace
    ) async throws -> Slipway.Events.V1.TestFilterResponse {
        guard (0...10_000).contains(request.events) else {
            throw RPCError.badRequest(field: "events", "it is 1 to 10,000, or 0 for 1,000")
        }
        let filter = try EventQuery.filter(request.filter, filters)
        let wanted = request.events == 0 ? 1000 : Int(request.events)
        var response = Slipway.Events.V1.TestFilterResponse()
        var place = try await journal.horizon()
        // An event that is not there takes as long to find as one that is: a bound for both.
        for _ in 0..<100 where response.examined < wanted {
            let records = try await journal.readBack(before: place)
            guard let last = records.last else { break }
            place = last.cursor
            for record in records where record.entry.workspace == workspace.name && response.examined < wanted {
                guard let event = mapping.event(from: record) else { continue }
                response.examined += 1
                guard filter.matches(event) else { continue }
                response.matched += 1
                if response.examples.count < 10 { response.examples.append(Slipway.Events.V1.Event(event)) }
            }
        }
        return response
    }
}
