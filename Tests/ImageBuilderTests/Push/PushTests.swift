import Contracts
import HTTP
import Loop
import OCI
import RPC
import ServiceKit
import Testing

@testable import Access
@testable import Activities
@testable import Blobs
@testable import ImageBuilderCore
@testable import Postgres

@Suite("pushes to other registries", .timeLimit(.minutes(5))) struct PushTests {
    private struct Pusher: Sendable {
        let fixture: ImagesFixture
        let push: ImagePush
        let credentials: RegistryCredentialStore
        let activities: Activities
        let image: StoredImage
        let caller: Caller

        func start(_ destination: String) async throws -> Activity {
            let order = try await push.prepare(
                Slipway.Images.V1.PushRequest(destination: destination), image, by: caller)
            var request = ActivityRequest(
                kind: "image.push", subject: "images/churn/1", workspace: "lab", actor: "person:ada")
            request.input = PostgresJSON(order)
            return try await activities.start(request)
        }

        func worker(_ name: String) -> ActivityWorker {
            ActivityWorker(activities, name: name, handlers: [push])
        }

        func run(_ destination: String) async throws -> Activity {
            try await activities.wait(start(destination).id)
        }
    }

    private func withPusher(
        _ settings: RegistryAccessSettings? = nil, works: Bool = true, _ body: (Pusher) async throws -> Void
    ) async throws {
        try await withImages { fixture in
            let image = try await fixture.record(
                "churn",
                [
                    fixture.layer([("scorer", String(repeating: "elf ", count: 400_000))], kind: "runtime"),
                    fixture.layer([("m", "1")]),
                ])
            let credentials = RegistryCredentialStore(fixture.secrets)
            var usual = RegistryAccessSettings()
            usual.retries = 0
            let registries = try RegistryClients(
                credentials, settings: settings ?? usual, loop: fixture.loops.loops[0])
            let push = ImagePush(
                ImageRecords(fixture.pool), store: fixture.blobs, registries: registries, identities: fixture.identity)
            let activities = Activities(fixture.pool, loop: fixture.loops.loops[1])
            let pusher = Pusher(
                fixture: fixture, push: push, credentials: credentials, activities: activities, image: image,
                caller: Caller(principal: nil, workspace: fixture.lab, role: .contributor))
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await activities.run() }
                if works { group.addTask { try await pusher.worker("test").run() } }
                do { try await body(pusher) } catch {
                    group.cancelAll()
                    throw error
                }
                group.cancelAll()
                while let result = await group.nextResult() { _ = result }
            }
            registries.stop()
        }
    }

    @Test("what the registry lacks travels, what it has does not, and the manifest goes last")
    func delta() async throws {
        try await withPusher { pusher in
            let registry = FakeRegistry()
            try await registry.run(pusher.fixture.loops) { address in
                let first = try await pusher.run("\(address)/team/churn:1")
                #expect(first.state == .succeeded, "\(first.failure as Any)")
                #expect(first.result?.text.contains("\"sent_parts\": 3") == true, "\(first.result as Any)")
                #expect(first.progress.fraction == 1)
                let (sent, last) = registry.state.withLock { ($0.receivedBytes, $0.requests.last ?? "") }
                #expect(sent > 0 && last == "PUT /v2/team/churn/manifests/1")
                let again = try await pusher.run("\(address)/team/churn")
                #expect(again.state == .succeeded && again.result?.text.contains("\"sent_parts\": 0") == true)
                #expect(registry.state.withLock { $0.receivedBytes } == sent)
                #expect(registry.state.withLock { $0.manifests["1"] } != nil)
                // Without its model's layer: that travels, and nothing else.
                let model = try #require(pusher.image.image.layers.last)
                registry.state.withLock { $0.blobs[model.digest] = nil }
                _ = try await pusher.run("\(address)/team/churn:next")
                #expect(registry.state.withLock { $0.receivedBytes } == sent + Int(model.sizeBytes))
                let log = try await pusher.activities.log(first.id).map(\.text)
                #expect(log.contains { $0.hasPrefix("sent 3 parts") }, "\(log)")
            }
        }
    }

    @Test(
        "what a registry answers is told apart, with its own words",
        arguments: [
            ("HEAD", 401, "", "push.unauthorised", "401"),
            (
                "POST", 403, #"{"errors":[{"code":"DENIED","message":"quota is spent"}]}"#, "push.denied",
                "quota is spent"
            ),
            (
                "POST", 404, #"{"errors":[{"code":"NAME_UNKNOWN","message":"no such project"}]}"#, "push.not_found",
                "no such project"
            ),
            ("POST", 429, "", "push.throttled", "429"), ("POST", 503, "", "push.unavailable", "503"),
            ("PUT", 500, "", "push.unavailable", "500"),
            (
                "PUT /v2/team/churn/manifests", 400,
                #"{"errors":[{"code":"MANIFEST_INVALID","message":"not this one"}]}"#, "push.rejected", "not this one"
            ),
            ("PUT /v2/team/churn/manifests", 201, "", "push.corrupt", "instead of"),
        ])
    func refusals(where place: String, status: Int, body: String, code: String, words: String) async throws {
        try await withPusher { pusher in
            let registry = FakeRegistry { request, _ in
                guard request.hasPrefix(place) else { return nil }
                // A lie about what was taken.
                let digest = "sha256:" + String(repeating: "0", count: 64)
                return (status, status == 201 ? ["docker-content-digest": digest] : [:], body)
            }
            try await registry.run(pusher.fixture.loops) { address in
                let done = try await pusher.run("\(address)/team/churn:1")
                #expect(done.state == .failed && done.failure?.code == code, "\(done.failure as Any)")
                #expect(done.failure?.message.contains(words) == true, "\(done.failure as Any)")
            }
        }
    }

    @Test("a registry that says it has a part of another size is not believed")
    func lies() async throws {
        try await withPusher { pusher in
            let registry = FakeRegistry { request, _ in
                request.hasPrefix("HEAD") ? (200, ["content-length": "7"], "") : nil
            }
            try await registry.run(pusher.fixture.loops) { address in
                let done = try await pusher.run("\(address)/team/churn:1")
                #expect(done.failure?.code == "push.corrupt", "\(done.failure as Any)")
            }
        }
    }

    @Test("a part that broke off once is sent again, and counted once")
    func again() async throws {
        var settings = RegistryAccessSettings()
        settings.retries = 2
        try await withPusher(settings) { pusher in
            let registry = FakeRegistry { request, _ in
                request.hasPrefix("PUT /v2/team/churn/blobs/uploads/1?") ? (502, [:], "") : nil
            }
            try await registry.run(pusher.fixture.loops) { address in
                let done = try await pusher.run("\(address)/team/churn:1")
                #expect(done.state == .succeeded && done.progress.fraction == 1, "\(done.failure as Any)")
                #expect(registry.state.withLock { $0.uploads } == 4)
            }
        }
    }

    @Test("credentials of the workspace open a registry, and those of another do not")
    func credentials() async throws {
        try await withPusher { pusher in
            let registry = FakeRegistry(password: DistributionWeb.basic(Secret("open sesame"), user: "team"))
            try await registry.run(pusher.fixture.loops) { address in
                try await pusher.credentials.set(
                    address, user: "team", password: "open sesame", in: pusher.fixture.attic, by: "person:ada",
                    reason: "")
                let refused = try await pusher.run("\(address)/team/churn:1")
                #expect(refused.failure?.code == "push.unauthorised", "\(refused.failure as Any)")
                try await pusher.credentials.set(
                    address, user: "team", password: "open sesame", in: pusher.fixture.lab, by: "person:ada",
                    reason: "")
                let done = try await pusher.run("\(address)/team/churn:1")
                #expect(done.state == .succeeded, "\(done.failure as Any)")
            }
        }
    }

    @Test("a push that is cancelled ends, and one that was interrupted goes on with what is missing")
    func cancelled() async throws {
        try await withPusher { pusher in
            let registry = FakeRegistry()
            try await registry.run(pusher.fixture.loops) { address in
                let started = try await pusher.start("\(address)/team/churn:1")
                _ = try await pusher.activities.cancel(started.id, actor: "person:ada")
                let ended = try await pusher.activities.wait(started.id)
                #expect(ended.state == .cancelled || ended.state == .succeeded)
                let done = try await pusher.run("\(address)/team/churn:1")
                #expect(done.state == .succeeded && registry.state.withLock { $0.blobs.count } == 3)
            }
        }
    }

    @Test("a push whose process goes away in the middle goes on in another one, with what is missing")
    func interrupted() async throws {
        try await withPusher(works: false) { pusher in
            let (reached, arrival) = AsyncStream<Void>.makeStream()
            let (gate, key) = AsyncStream<Void>.makeStream()
            let registry = FakeRegistry { request, _ in
                guard request.hasPrefix("PUT /v2/team/churn/blobs/uploads/2?") else { return nil }
                arrival.yield()
                for await _ in gate { break }
                return (500, [:], "")
            }
            try await registry.run(pusher.fixture.loops) { address in
                let started = try await pusher.start("\(address)/team/churn:1")
                let first = Task { try await pusher.worker("first").run() }
                for await _ in reached { break }
                first.cancel()
                _ = await first.result
                key.finish()
                #expect(registry.state.withLock { $0.blobs.count == 1 && $0.manifests.isEmpty })
                #expect(try await pusher.activities.get(started.id).state.isFinal == false)
                let second = Task { try await pusher.worker("second").run() }
                let done = try await pusher.activities.wait(started.id)
                second.cancel()
                _ = await second.result
                #expect(done.state == .succeeded, "\(done.failure as Any)")
                #expect(done.result?.text.contains("\"sent_parts\": 2") == true, "\(done.result as Any)")
                #expect(registry.state.withLock { $0.blobs.count } == 3)
            }
        }
    }

    @Test("an image that was deleted or lost a part is not pushed")
    func gone() async throws {
        try await withPusher { pusher in
            try await pusher.fixture.pool.execute("DELETE FROM images.image_blobs")
            _ = try await pusher.fixture.blobs.collect(olderThan: .zero) { _ in [] }
            let damaged = try await pusher.run("127.0.0.1:1/team/churn:1")
            #expect(damaged.failure?.code == "push.damaged", "\(damaged.failure as Any)")
            try await pusher.fixture.delete(pusher.image)
            let deleted = try await pusher.run("127.0.0.1:1/team/churn:1")
            #expect(deleted.failure?.code == "push.image", "\(deleted.failure as Any)")
        }
    }

    @Test("a network that is denied is not reached, neither by its number nor by a name")
    func networks() async throws {
        var settings = RegistryAccessSettings()
        settings.retries = 0
        settings.deniedNetworks = ["127.0.0.0/8", "::1"]
        try await withPusher(settings) { pusher in
            let error = await #expect(throws: RPCError.self) {
                _ = try await pusher.start("127.0.0.1:5000/team/churn:1")
            }
            #expect(error?.code == .invalidArgument)
            let done = try await pusher.run("localhost:1/team/churn:1")
            #expect(done.failure?.code == "push.refused", "\(done.failure as Any)")
            await #expect(throws: RPCError.self) { _ = try await pusher.start("169.254.169.254/team/churn:1") }
        }
    }

    @Test(
        "a destination that can't be one is refused at once",
        arguments: [
            "", "churn", "churn:2", "a.b/Churn", "a.b/churn:", "a.b/churn@sha256:\(String(repeating: "0", count: 64))",
            "https://a.b/churn", "a.b/../churn",
        ])
    func destinations(text: String) async throws {
        try await withPusher { pusher in
            let error = await #expect(throws: RPCError.self) { _ = try await pusher.start(text) }
            #expect(error?.code == .invalidArgument && error?.message.hasPrefix("destination") == true)
        }
    }
}
