import Activities
import Contracts
import Journal
import Loop
import Postgres
import RPC
import ServiceKit
import Testing

@testable import EventsCore

@Suite(.serialized) struct EventQueryTests {
    private static func query(_ fixture: Fixture) -> EventQuery {
        EventQuery(journal: Journal(fixture.pool), mapping: PlainMapping(), filters: PrefixFilters())
    }

    /// Transactions of other tests on the same server hold readers back.
    private func settle(_ query: EventQuery, _ last: String?, _ fixture: Fixture) async throws {
        try await eventually("all are settled") {
            try await query.list(.init(pageSize: 1), in: fixture.workspace).events.first?.id == last
        }
    }

    @Test("pages list each event of the filter once, the newest first, whatever happens meanwhile")
    func pages() async throws {
        try await withFixture { fixture in
            let ids = try await fixture.happen((0..<25).map { "models/\($0.isMultiple(of: 5) ? "b" : "a"):\($0)" })
            let query = EventQueryTests.query(fixture)
            try await settle(query, ids.last, fixture)
            var request = Slipway.Events.V1.ListEventsRequest(filter: "models/a", pageSize: 7)
            var listed: [String] = []
            repeat {
                let page = try await query.list(request, in: fixture.workspace)
                listed += page.events.map(\.id)
                request.pageToken = page.nextPageToken
                try await fixture.happen(["models/a:later"])
            } while !request.pageToken.isEmpty
            let wanted = ids.enumerated().filter { !$0.offset.isMultiple(of: 5) }.map(\.element)
            #expect(listed == wanted.reversed())
        }
    }

    @Test("a page's token belongs to its query")
    func foreignToken() async throws {
        try await withFixture { fixture in
            let ids = try await fixture.happen(["models/a:1", "models/a:2"])
            let query = EventQueryTests.query(fixture)
            try await settle(query, ids.last, fixture)
            let page = try await query.list(.init(pageSize: 1), in: fixture.workspace)
            let request = Slipway.Events.V1.ListEventsRequest(filter: "models/a", pageToken: page.nextPageToken)
            let error = try await #require(throws: RPCError.self) {
                _ = try await query.list(request, in: fixture.workspace)
            }
            #expect(error.code == .invalidArgument)
        }
    }

    @Test("an event of another workspace is not found")
    func otherWorkspace() async throws {
        try await withFixture { fixture in
            let ids = try await fixture.happen(["models/a:1"], workspace: "other")
            let error = try await #require(throws: RPCError.self) {
                _ = try await EventQueryTests.query(fixture).get(ids[0], in: fixture.workspace)
            }
            #expect(error.code == .notFound)
        }
    }

    @Test("a filter that does not parse is refused with the position")
    func position() async throws {
        try await withFixture { fixture in
            let receiver = Receiver()
            let query = EventQueryTests.query(fixture)
            let listed = try await #require(throws: RPCError.self) {
                _ = try await query.list(.init(filter: "ab!c"), in: fixture.workspace)
            }
            let created = try await #require(throws: RPCError.self) {
                try await fixture.subscribe("all", receiver) { $0.filter = "ab!c" }
            }
            for error in [listed, created] {
                #expect(error.code == .invalidArgument)
                #expect(error.message.contains("position 3"))
            }
        }
    }

    @Test("who reads behind is given what happened from that place on, and then what happens")
    func feed() async throws {
        try await withFixture { fixture in
            let before = try await fixture.happen((0..<1200).map { "models/a:\($0)" })
            let feed = JournalFeed(fixture.pool, mapping: PlainMapping(), loop: fixture.loops.next())
            let running = Task { try await feed.run() }
            defer { running.cancel() }
            var place = JournalCursor.start
            var seen: [String] = []
            // What others have open at the same moment holds the end of the journal up for a while.
            while seen.count < before.count {
                while let chunk = try await feed.chunk(after: place) {
                    seen += chunk.events(after: place).map(\.id)
                    place = chunk.end
                }
                if seen.count < before.count { try await feed.wait(after: place) }
            }
            #expect(seen == before)
            let later = try await fixture.happen(["models/b:1", "models/b:2"])
            while seen.count < before.count + later.count {
                try await feed.wait(after: place)
                while let chunk = try await feed.chunk(after: place) {
                    seen += chunk.events(after: place).map(\.id)
                    place = chunk.end
                }
            }
            #expect(seen == before + later)
        }
    }

    @Test("who watches activities is told of those under way and of each that starts, in the workspace alone")
    func activities() async throws {
        try await withFixture { fixture in
            let loop = fixture.loops.next()
            let activities = Activities(fixture.pool, loop: loop)
            let watcher = ActivityWatcher(fixture.pool, activities: activities, loop: loop)
            let signal = StopSignal()
            let running = Task { try await StopSignal.$current.withValue(signal) { try await watcher.run() } }
            func start(_ subject: String, _ workspace: String = "default") async throws -> String {
                let request = ActivityRequest(
                    kind: "build", subject: subject, workspace: workspace, actor: "person:ada")
                return try await activities.start(request).id.description
            }
            let first = try await start("images/a")
            _ = try await start("images/x", "other")
            let told = Lock<[String]>([])
            let watching = Task {
                try await watcher.watch(.init(kind: "build"), in: "default") { activity in
                    told.withLock { $0.append(activity.subject) }
                }
            }
            try await eventually("the first was told") { told.withLock { $0 } == ["images/a"] }
            _ = try await start("images/b")
            try await eventually("the second was told") { told.withLock { $0 }.contains("images/b") }
            #expect(told.withLock { $0 } == ["images/a", "images/b"])
            #expect(!first.isEmpty)
            watching.cancel()
            _ = await watching.result
            signal.request()
            try await running.value
        }
    }
}
