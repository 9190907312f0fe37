import Activities
import ActivityService
import Contracts
import Loop
import Postgres
import RPC
import Testing

@Suite("the activities' contract")
struct ActivityServiceTests {
    typealias Contract = Slipway.Activities.V1

    /// A client of a service whose workspace stands in the call's metadata.
    private func withClient(
        _ handlers: [any ActivityHandler],
        _ body: (Activities, Contract.Activities.Client) async throws -> Void
    ) async throws {
        try await TestDatabase.withPool { pool in
            try await withWorker(pool, handlers) { worker in
                let service = ActivityService(worker.activities) { context in
                    guard let workspace = context.metadata["workspace"] else {
                        throw RPCError(.permissionDenied, "no workspace")
                    }
                    return workspace
                } actor: { _ in
                    "eve"
                }
                let channel = InProcessChannel(RPCServer(services: [service]), loops: TestDatabase.loops)
                try await body(worker.activities, Contract.Activities.Client(channel))
                await channel.close()
            }
        }
    }

    private func from(_ workspace: String = "rpc") -> Metadata { ["workspace": workspace] }

    private func code(_ body: () async throws -> Void) async -> RPCCode? {
        do { try await body() } catch let error as RPCError { return error.code } catch {}
        return nil
    }

    @Test("an activity is got, listed, watched to its end, its log followed")
    func follow() async throws {
        let bell = PostgresBell()
        let handler = ClosureHandler("rpc", isResumable: false) { context in
            context.report(fraction: 0.25, step: "first")
            await context.log("hello")
            try await bell.wait(upTo: .seconds(600), on: TestDatabase.loops.loops[1])
            await context.log("goodbye")
            return PostgresJSON("7")
        }
        try await withClient([handler]) { activities, client in
            let activity = try await activities.start(request("rpc", workspace: "rpc"))
            var wanted = Contract.WatchActivityRequest()
            wanted.id = "\(activity.id)"
            var last = Contract.Activity()
            try await client.watch(wanted, metadata: from()) { responses in
                for try await state in responses {
                    #expect(state.revision > last.revision)
                    if state.progress?.step == "first", state.state == .running { bell.ring() }
                    last = state
                }
            }
            #expect(last.state == .succeeded && last.resultJson == "7" && last.progress?.fraction == 1)
            #expect(last.createdAt != nil && last.finishedAt != nil && last.failure == nil)
            var log = Contract.ActivityLogRequest()
            log.id = wanted.id
            log.follow = true
            var lines: [String] = []
            try await client.log(log, metadata: from()) { responses in
                for try await response in responses { lines += response.lines.map { "\($0.number) \($0.text)" } }
            }
            #expect(lines == ["1 hello", "2 goodbye"])
            var get = Contract.GetActivityRequest()
            get.id = wanted.id
            #expect(try await client.get(get, metadata: from()) == last)
            var list = Contract.ListActivitiesRequest()
            list.state = .succeeded
            #expect(try await client.list(list, metadata: from()).activities == [last])
            list.state = .failed
            #expect(try await client.list(list, metadata: from()).activities.isEmpty)
        }
    }

    @Test("cancelling ends a running activity, and a watcher sees how")
    func cancel() async throws {
        let handler = ClosureHandler("rpc cancelled", isResumable: true) { _ in
            try await sleepUntilCancelled()
            return nil
        }
        try await withClient([handler]) { activities, client in
            let activity = try await activities.start(request("rpc cancelled", workspace: "rpc-cancel"))
            var wanted = Contract.WatchActivityRequest()
            wanted.id = "\(activity.id)"
            var states: [Contract.Activity.State] = []
            try await client.watch(wanted, metadata: from("rpc-cancel")) { responses in
                for try await state in responses {
                    if state.state == .running, states.last != .running {
                        var end = Contract.CancelActivityRequest()
                        end.id = wanted.id
                        let answer = try await client.cancel(end, metadata: from("rpc-cancel"))
                        #expect(answer.state == .cancelling && answer.cancelledBy == "eve")
                    }
                    states.append(state.state)
                }
            }
            #expect(states.last == .cancelled)
        }
    }

    @Test("another workspace finds nothing, and malformed requests are refused by field")
    func refusals() async throws {
        try await withClient([]) { activities, client in
            let activity = try await activities.start(request("rpc waiting", workspace: "rpc-own"))
            var get = Contract.GetActivityRequest()
            get.id = "\(activity.id)"
            var end = Contract.CancelActivityRequest()
            end.id = get.id
            var log = Contract.ActivityLogRequest()
            log.id = get.id
            #expect(try await client.get(get, metadata: from("rpc-own")).state == .pending)
            #expect(await code { _ = try await client.get(get, metadata: from("rpc-other")) } == .notFound)
            #expect(await code { _ = try await client.cancel(end, metadata: from("rpc-other")) } == .notFound)
            let refused = await code {
                try await client.log(log, metadata: from("rpc-other")) { for try await _ in $0 {} }
            }
            #expect(refused == .notFound)
            #expect(await code { _ = try await client.get(get, metadata: [:]) } == .permissionDenied)
            get.id = "x"
            #expect(await code { _ = try await client.get(get, metadata: from()) } == .invalidArgument)
            var list = Contract.ListActivitiesRequest()
            list.pageSize = 1001
            #expect(await code { _ = try await client.list(list, metadata: from()) } == .invalidArgument)
            list.pageSize = 1
            list.pageToken = "x"
            #expect(await code { _ = try await client.list(list, metadata: from()) } == .invalidArgument)
        }
    }
}
