import CommandLineKit
import Contracts
import HTTP
import Loop
import Protobuf
import RPC

@testable import Slipway

/// Services that say what a test has them say, on a port that the system chose.
final class FakeSuite: Sendable {
    typealias Activity = Slipway.Activities.V1.Activity

    struct Script: Sendable {
        /// What each call of Watch sends; all but the last break off after it.
        var watches: [[Activity]] = []
        /// What each call of Log sends; all but the last break off after it.
        var logs: [[String]] = []
        /// What each call of Tail sends; all but the last break off after it.
        var tails: [[String]] = []
        var built = Slipway.Images.V1.Image()
    }

    struct Seen: Sendable {
        var archive: [UInt8] = []
        var builds: [Slipway.Images.V1.BuildRequest] = []
        var tails: [Slipway.Events.V1.TailRequest] = []
        var cancelled: [String] = []
    }

    static let id = "0198f6c2-7d1e-7c41-a5ab-0a4f9c3ad1be"

    let script: Lock<Script>
    let seen = Lock(Seen())
    private let loops: LoopGroup
    private let http: HTTPServer

    init(_ script: Script) async throws {
        self.script = Lock(script)
        loops = try LoopGroup(count: 1, name: "server")
        try loops.start()
        let services = FakeServices(script: self.script, seen: seen)
        http = HTTPServer(
            endpoints: [HTTPServer.Endpoint(.tcp(host: "127.0.0.1", port: 0), tls: nil)], loops: loops,
            handler: RPCServer(services: [services]))
        try await http.start()
    }

    var address: String { "http://\(http.addresses[0])" }

    func stop() async {
        await http.shutdown(grace: .zero)
        loops.stop()
    }

    static func activity(_ state: Activity.State, _ revision: Int64, fraction: Double? = nil) -> Activity {
        var activity = Activity()
        activity.id = id
        activity.kind = "image.build"
        activity.state = state
        activity.revision = revision
        activity.progress = fraction.map { .init(fraction: $0, step: "layers") }
        switch state {
        case .succeeded: activity.resultJson = #"{"image": "churn-svc:1", "digest": "sha256:00"}"#
        case .failed: activity.failure = .init(code: "conflict", message: "numpy 1 and numpy 2 do not go together")
        case .cancelled: activity.cancelledBy = "person:ada"
        default: break
        }
        return activity
    }
}

/// What the fake services answer.
private final class FakeServices: RPCService {
    let script: Lock<FakeSuite.Script>
    let seen: Lock<FakeSuite.Seen>

    init(script: Lock<FakeSuite.Script>, seen: Lock<FakeSuite.Seen>) {
        self.script = script
        self.seen = seen
    }

    private func first<Element>(_ path: WritableKeyPath<FakeSuite.Script, [[Element]]> & Sendable) -> (
        part: [Element], isLast: Bool
    ) {
        script.withLock { script in
            guard script[keyPath: path].count > 1 else { return (script[keyPath: path].first ?? [], true) }
            return (script[keyPath: path].removeFirst(), false)
        }
    }

    private func end(_ isLast: Bool) throws {
        if !isLast { throw RPCError(.unavailable, "broken, as asked") }
    }

    func handlers() -> [MethodHandler] {
        [
            .streaming(Slipway.Images.V1.Images.Methods.uploadSource) { [self] requests, responses, _ in
                for try await request in requests { seen.withLock { $0.archive += request.data } }
                try await responses.write(.init(digest: "sha256:5e", files: 2, sizeBytes: 9))
            },
            .unary(Slipway.Images.V1.Images.Methods.build) { [self] request, _ in
                seen.withLock { $0.builds.append(request.message) }
                return ServerResponse(FakeSuite.activity(.pending, 1))
            },
            .unary(Slipway.Images.V1.Images.Methods.getImage) { [self] _, _ in
                ServerResponse(script.withLock { $0.built })
            },
            .unary(Slipway.Activities.V1.Activities.Methods.get) { _, _ in
                ServerResponse(FakeSuite.activity(.running, 2))
            },
            .unary(Slipway.Activities.V1.Activities.Methods.cancel) { [self] request, _ in
                seen.withLock { $0.cancelled.append(request.message.id) }
                return ServerResponse(FakeSuite.activity(.cancelling, 3))
            },
            .streaming(Slipway.Activities.V1.Activities.Methods.watch) { [self] _, responses, _ in
                let (states, isLast) = first(\.watches)
                for state in states { try await responses.write(state) }
                try end(isLast)
            },
            .streaming(Slipway.Activities.V1.Activities.Methods.log) { [self] requests, responses, _ in
                let from = max(1, try await requests.only().from)
                let (lines, isLast) = first(\.logs)
                let numbered = lines.enumerated().map { index, text in
                    Slipway.Activities.V1.ActivityLogLine(number: Int64(index + 1), text: text)
                }
                try await responses.write(.init(lines: numbered.filter { $0.number >= from }))
                try end(isLast)
            },
            .streaming(Slipway.Events.V1.Events.Methods.tail) { [self] requests, responses, _ in
                let request = try await requests.only()
                seen.withLock { $0.tails.append(request) }
                let (cursors, isLast) = first(\.tails)
                for cursor in cursors {
                    let event = Slipway.Events.V1.Event(id: cursor, type: "slipway.test", cursor: cursor)
                    try await responses.write(.init(events: [event], cursor: cursor))
                }
                try end(isLast)
            },
        ]
    }
}
