import HTTP
import Loop
import Protobuf
import RPC
import Testing

@testable import ServiceKit

@Suite("what operators see")
struct OperationsTests {
    static let build = BuildInformation(service: "kit-test", version: "1.2.3", revision: "abc")

    @Test("the process is ready when every part says so, and tells which does not and why")
    func readiness() async throws {
        try await withClient { loops, client in
            let health = HealthRegistry()
            let grpc = HealthService()
            health.drive(grpc, for: ["slipway.test.Echo"])
            let routes = try OperationsRoutes.handler(health: health, metrics: MetricsRegistry(), build: Self.build)
            let rpc = RPCServer(services: [grpc], fallback: routes)
            try await withServer(rpc, loops: loops) { address in
                let channel = NetworkChannel(address, loops: loops)
                func status(_ service: String) async throws -> HealthService.Status {
                    var request = Grpc.Health.V1.HealthCheckRequest()
                    request.service = service
                    return try await grpcCheck(channel, request)
                }
                #expect(try await client.get(address, "/readyz").status == 503)
                #expect(try await status("") == .notServing)
                let database = health.part("database")
                let queue = health.part("queue")
                queue.ready()
                let waiting = try await client.get(address, "/readyz")
                #expect(waiting.status == 503 && waiting.type == "application/json")
                #expect(
                    waiting.body
                        == "{\"ready\":false,\"parts\":[{\"name\":\"database\",\"ready\":false,\"reason\":\"has not started yet\"},{\"name\":\"queue\",\"ready\":true}]}\n"
                )
                database.ready()
                #expect(try await client.get(address, "/readyz").status == 200)
                #expect(try await status("slipway.test.Echo") == .serving)
                database.notReady("migration 12 is \"missing\"")
                #expect(try await client.get(address, "/readyz").body.contains("migration 12 is \\\"missing\\\""))
                #expect(try await status("slipway.test.Echo") == .notServing)
                database.ready()
                health.stopServing()
                let stopping = try await client.get(address, "/readyz")
                #expect(stopping.status == 503 && stopping.body.contains("is stopping"))
                #expect(try await status("") == .notServing)
                var watched: [HealthService.Status] = []
                let watch = MethodDescriptor<
                    Grpc.Health.V1.HealthCheckRequest, Grpc.Health.V1.HealthCheckResponse
                >(service: "grpc.health.v1.Health", name: "Watch", shape: .serverStreaming)
                try await channel.serverStreaming(watch, Grpc.Health.V1.HealthCheckRequest()) { responses in
                    for try await response in responses { watched.append(response.status) }
                }
                #expect(watched == [.notServing], "and its stream has ended")
                let alive = try await client.get(address, "/healthz")
                #expect(alive.status == 200 && alive.body.contains("\"version\":\"1.2.3\",\"revision\":\"abc\""))
                #expect(try await client.get(address, "/nothing").status == 404)
                await channel.close(grace: .zero)
            }
        }
    }

    private func grpcCheck(
        _ channel: NetworkChannel, _ request: Grpc.Health.V1.HealthCheckRequest
    ) async throws -> HealthService.Status {
        let method = MethodDescriptor<Grpc.Health.V1.HealthCheckRequest, Grpc.Health.V1.HealthCheckResponse>(
            service: "grpc.health.v1.Health", name: "Check", shape: .unary)
        return try await channel.unary(method, request).status
    }

    @Test("a check that fails or does not answer in time makes its part not ready")
    func checks() async throws {
        let clock = ManualClock()
        try await withLoop(clock: clock) { loop in
            let health = HealthRegistry()
            let release = StopSignal()
            let answer = Lock<String?>("the disk is full")
            let isStuck = Lock(false)
            let rounds = Lock(0)
            let check = HealthCheck("disk", in: health, loop: loop, every: .seconds(5), timeout: .seconds(2)) {
                rounds.withLock { $0 += 1 }
                if isStuck.withLock({ $0 }) { await Task.detached { try? await release.wait() }.value }
                return answer.withLock { $0 }
            }
            let group = ServiceGroup([check], loop: loop)
            let run = Task { try await group.run() }
            func reason() -> String? { health.readiness.parts[0].reason }
            try await eventually("it was asked") { reason() == "the disk is full" }
            answer.withLock { $0 = nil }
            try await eventually("it was asked again") {
                clock.advance(by: .seconds(1))
                return health.readiness.isReady
            }
            isStuck.withLock { $0 = true }
            try await eventually("the check is stuck") {
                clock.advance(by: .seconds(1))
                return reason() == "gave no answer within 2.0 seconds"
            }
            isStuck.withLock { $0 = false }
            release.request()
            try await eventually("it recovers") {
                clock.advance(by: .seconds(1))
                return health.readiness.isReady
            }
            group.stop()
            try await run.value
        }
    }

    @Test("calls are counted and timed by method and code, and logged with their trace")
    func telemetry() async throws {
        try await withClient { loops, client in
            let metrics = MetricsRegistry()
            let log = try CapturedLog()
            try log.writer.start()
            let logger = Logger("test", writer: log.writer, level: .debug)
            let rpc = RPCServer(
                services: [
                    EchoService { message, _ in
                        switch message.value {
                        case "": break
                        case "mine": throw PrivateError()
                        default: throw RPCError(.notFound, "there is no \(message.value)")
                        }
                    }
                ], interceptors: [ServerTracing(.silent), CallTelemetry(metrics, logger: logger)],
                fallback: try OperationsRoutes.handler(health: HealthRegistry(), metrics: metrics, build: Self.build))
            try await withServer(rpc, loops: loops) { address in
                let channel = NetworkChannel(address, loops: loops)
                let trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
                for value in ["", "", "cat", "mine"] {
                    _ = try? await channel.unary(EchoService.echo, text(value), metadata: ["traceparent": trace])
                }
                await channel.close(grace: .zero)
                let plain = try await client.get(address, "/metrics")
                #expect(plain.type == "text/plain; version=0.0.4; charset=utf-8")
                let labels = "service=\"slipway.test.Echo\",method=\"Echo\""
                #expect(plain.body.contains("slipway_rpc_calls_total{\(labels),code=\"ok\"} 2\n"))
                #expect(plain.body.contains("slipway_rpc_calls_total{\(labels),code=\"not_found\"} 1\n"))
                #expect(plain.body.contains("slipway_rpc_calls_total{\(labels),code=\"unknown\"} 1\n"))
                #expect(plain.body.contains("slipway_rpc_call_seconds_count{\(labels)} 4\n"))
                #expect(plain.body.contains("slipway_rpc_calls_in_flight{\(labels)} 0.0\n"))
                let open = try await client.get(address, "/metrics", accept: "application/openmetrics-text")
                #expect(open.type.hasPrefix("application/openmetrics-text") && open.body.hasSuffix("# EOF\n"))
            }
            let lines = log.text().split(separator: "\n")
            #expect(lines.count == 4)
            #expect(lines.allSatisfy { $0.contains("\"trace_id\":\"0af7651916cd43dd8448eb211c80319c\"") })
            #expect(lines.map { $0.contains("\"level\":\"error\"") } == [false, false, false, true])
            #expect(lines[2].contains("\"code\":\"not_found\"") && lines[2].contains("there is no cat"))
            #expect(lines[3].contains("the inner story"))
        }
    }

    struct PrivateError: Error, CustomStringConvertible {
        var description: String { "the inner story" }
    }
}
