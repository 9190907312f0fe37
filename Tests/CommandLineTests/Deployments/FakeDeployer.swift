import Contracts
import HTTP
import Loop
import Protobuf
import RPC

@testable import Slipway

/// A deployer that says what a test has it say, and an endpoint, on a port that the system chose.
final class FakeDeployer: Sendable {
    typealias V1 = Slipway.Deployments.V1

    struct Script: Sendable {
        /// Nil until it is made.
        var deployment: V1.Deployment?
        var revisions: [V1.Revision] = []
        /// What each call of Watch sends after the deployment; all but the last break off after it.
        var watches: [[V1.Deployment]] = []
        var logs: [[V1.LogLine]] = []
        var history = V1.HistoryResponse()
        var explanation = V1.ExplainResponse()
        var targets: [Slipway.Targets.V1.Target] = []
        var signature = Slipway.Models.V1.Signature()
        /// What the endpoint answers.
        var status = 200
        var answer = #"{"predictions": [1]}"#
        var fields: HeaderFields = ["x-request-id": "r-1", "slipway-revision": "2"]
    }

    struct Scored: Sendable {
        var target = ""
        var fields = HeaderFields()
        var body = ""
    }

    let script: Lock<Script>
    /// What it was asked, in order.
    let seen = Lock<[any Message & Sendable]>([])
    let scored = Lock<[Scored]>([])
    private let loops: LoopGroup
    private let http: HTTPServer

    init(_ script: Script) async throws {
        self.script = Lock(script)
        loops = try LoopGroup(count: 1, name: "server")
        try loops.start()
        let services = FakeDeployments(script: self.script, seen: seen)
        let endpoint = FakeEndpoint(script: self.script, scored: scored)
        http = HTTPServer(
            endpoints: [HTTPServer.Endpoint(.tcp(host: "127.0.0.1", port: 0), tls: nil)], loops: loops,
            handler: RPCServer(services: [services], fallback: endpoint.handler))
        try await http.start()
        self.script.withLock { $0.setAddress("\(address)/endpoints/default/churn") }
    }

    var address: String { "http://\(http.addresses[0])" }

    /// Every request of a type, in order.
    func asked<Request: Message>(_: Request.Type) -> [Request] { seen.withLock { $0.compactMap { $0 as? Request } } }

    func stop() async {
        await http.shutdown(grace: .zero)
        loops.stop()
    }

    /// A deployment as it is when its revision serves.
    static func deployment(
        _ state: V1.DeploymentStatus.State = .healthy, generation: Int64 = 1, revision: Int32 = 1, ready: Int32 = 1,
        rollout: V1.Rollout? = nil, conditions: [V1.Condition] = []
    ) -> V1.Deployment {
        V1.Deployment(
            name: "churn", target: "local", traffic: [.init(revision: revision, percent: 100)],
            scaling: .init(minimum: 1, maximum: 4),
            status: .init(
                state: state, conditions: conditions, wanted: 1, ready: ready, rollout: rollout,
                generation: generation),
            createdBy: "person:ada", generation: generation)
    }
}

extension FakeDeployer.Script {
    fileprivate mutating func setAddress(_ address: String) {
        deployment?.status?.addresses = [address]
        for watch in watches.indices {
            for index in watches[watch].indices { watches[watch][index].status?.addresses = [address] }
        }
    }
}

/// What is asked over HTTP, whatever the path.
private final class FakeEndpoint: Sendable {
    let script: Lock<FakeDeployer.Script>
    let scored: Lock<[FakeDeployer.Scored]>

    init(script: Lock<FakeDeployer.Script>, scored: Lock<[FakeDeployer.Scored]>) {
        self.script = script
        self.scored = scored
    }

    var handler: AsyncHandler {
        AsyncHandler { [script, scored] request, responder in
            let body = try await request.body.collect(upTo: 1 << 20)
            scored.withLock {
                $0.append(
                    .init(
                        target: request.head.target, fields: request.head.fields,
                        body: String(decoding: body, as: UTF8.self)))
            }
            let script = script.withLock { $0 }
            try await responder.respond(script.status, script.fields, Array(script.answer.utf8))
        }
    }
}
