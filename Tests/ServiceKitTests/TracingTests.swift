import HTTP
import Loop
import Protobuf
import RPC
import Testing

@testable import ServiceKit

@Suite("traces")
struct TracingTests {
    static let build = BuildInformation(service: "kit-test", version: "1.2.3", revision: "abc")

    func exporter(
        _ address: SocketAddress, _ loops: LoopGroup, _ client: HTTPClient,
        _ change: (inout OTLPExporter.Configuration) -> Void = { _ in }
    ) throws -> OTLPExporter {
        var configuration = OTLPExporter.Configuration(endpoint: "http://\(address)/v1/traces")
        configuration.firstPause = .milliseconds(1)
        change(&configuration)
        return try OTLPExporter(configuration, build: Self.build, client: client, loop: loops.loops[0])
    }

    @Test("a call through client and server is one trace, decoded by a collector")
    func wholeTrace() async throws {
        try await withClient { loops, client in
            let collector = Collector()
            try await withServer(try collector.routes(), loops: loops) { collectorAddress in
                let exporter = try exporter(collectorAddress, loops, client)
                let tracer = Tracer(exporter: exporter, ratio: 1)
                let seen = Lock<TraceContext?>(nil)
                let rpc = RPCServer(
                    services: [
                        EchoService { message, _ in
                            seen.withLock { $0 = TraceContext.current }
                            try await tracer.withSpan("inside", ["n": 7, "api_token": "abcdef"]) { span in
                                span.event("half way")
                                if message.value == "fail" { throw RPCError(.notFound, "private words") }
                            }
                        }
                    ], interceptors: [ServerTracing(tracer)])
                try await withServer(rpc, loops: loops) { address in
                    var configuration = ChannelConfiguration()
                    configuration.interceptors = [ClientTracing(tracer)]
                    let channel = NetworkChannel(address, loops: loops, configuration: configuration)
                    try await tracer.withSpan("outside") { span in
                        _ = try await channel.unary(EchoService.echo, text("hello"))
                        #expect(seen.withLock { $0 }?.traceID == span.context.traceID)
                    }
                    _ = try? await channel.unary(EchoService.echo, text("fail"))
                    await channel.close(grace: .zero)
                }
                await exporter.exportAll()

                let spans = collector.spans
                #expect(spans.count == 7 && exporter.sentCount == 7 && exporter.droppedCount == 0)
                let outside = try #require(spans.first { $0.name == "outside" })
                let first = spans.filter { $0.traceId == outside.traceId }
                let call = try #require(first.first { $0.kind == .client })
                let server = try #require(first.first { $0.kind == .server })
                let inside = try #require(first.first { $0.name == "inside" })
                #expect(outside.parentSpanId.isEmpty && call.parentSpanId == outside.spanId)
                #expect(server.parentSpanId == call.spanId && inside.parentSpanId == server.spanId)
                #expect(server.name == "slipway.test.Echo/Echo" && inside.events.map(\.name) == ["half way"])
                #expect(first.allSatisfy { $0.startTimeUnixNano <= $0.endTimeUnixNano && $0.flags == 1 })
                let values = Dictionary(uniqueKeysWithValues: inside.attributes.map { ($0.key, $0.value?.value) })
                #expect(values["n"] == .intValue(7) && values["api_token"] == .stringValue("****"))

                let failed = spans.filter { $0.traceId != outside.traceId }
                #expect(failed.count == 3 && failed.allSatisfy { $0.status?.code == .error })
                #expect(!spans.contains { "\($0)".contains("private words") })
                let resource = try #require(collector.batches.first?.resourceSpans.first?.resource)
                #expect(
                    resource.attributes.contains {
                        $0.key == "service.name" && $0.value?.value == .stringValue("kit-test")
                    })
            }
        }
    }

    @Test("what other systems wrote beside a trace travels on through a service that records nothing")
    func passesOn() async throws {
        try await withClient { loops, _ in
            let seen = Lock<(parent: String?, state: String?)>((nil, nil))
            let last = RPCServer(services: [
                EchoService { _, context in
                    seen.withLock { $0 = (context.metadata["traceparent"], context.metadata["tracestate"]) }
                }
            ])
            try await withServer(last, loops: loops) { lastAddress in
                var configuration = ChannelConfiguration()
                configuration.interceptors = [ClientTracing(.silent)]
                let onward = NetworkChannel(lastAddress, loops: loops, configuration: configuration)
                let middle = RPCServer(
                    services: [EchoService { message, _ in _ = try await onward.unary(EchoService.echo, message) }],
                    interceptors: [ServerTracing(.silent)])
                try await withServer(middle, loops: loops) { address in
                    let channel = NetworkChannel(address, loops: loops)
                    _ = try await channel.unary(
                        EchoService.echo, text("x"),
                        metadata: [
                            "traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
                            "tracestate": "vendor=1,other@x=2",
                        ])
                    await channel.close(grace: .zero)
                }
                await onward.close(grace: .zero)
            }
            let (parent, state) = seen.withLock { $0 }
            let context = try #require(parent.flatMap { TraceContext(traceparent: $0) })
            #expect(context.traceID.description == "0af7651916cd43dd8448eb211c80319c" && context.isSampled)
            #expect(context.spanID.description != "b7ad6b7169203331" && state == "vendor=1,other@x=2")
        }
    }

    @Test("a batch that a collector puts off is sent again; one that it refuses is not")
    func retries() async throws {
        try await withClient { loops, client in
            let collector = Collector(answers: [503, 429, 200, 400])
            try await withServer(try collector.routes(), loops: loops) { address in
                let exporter = try exporter(address, loops, client)
                let tracer = Tracer(exporter: exporter, ratio: 1)
                tracer.begin("one").end()
                await exporter.exportAll()
                #expect(collector.spans.map(\.name) == ["one"] && collector.requests.withLock { $0 } == 3)
                tracer.begin("two").end()
                await exporter.exportAll()
                #expect(collector.requests.withLock { $0 } == 4 && exporter.droppedCount == 1)
            }
        }
    }

    @Test("without a collector spans are dropped and counted, and the queue is bounded")
    func bounded() async throws {
        try await withClient { loops, client in
            let nowhere = SocketAddress.tcp(host: "127.0.0.1", port: 1)
            let exporter = try exporter(nowhere, loops, client) {
                $0.queueLimit = 10
                $0.attempts = 2
            }
            let tracer = Tracer(exporter: exporter, ratio: 1)
            for _ in 0..<25 { tracer.begin("x").end() }
            #expect(exporter.droppedCount == 15)
            await exporter.exportAll()
            #expect(exporter.droppedCount == 25 && exporter.sentCount == 0)
        }
    }

    @Test("the exporter sends full batches at once, and the rest when the service stops")
    func service() async throws {
        try await withClient { loops, client in
            let collector = Collector()
            try await withServer(try collector.routes(), loops: loops) { address in
                let exporter = try exporter(address, loops, client) {
                    $0.batchLimit = 10
                    $0.interval = .seconds(3600)
                }
                let tracer = Tracer(exporter: exporter, ratio: 1)
                let group = ServiceGroup([exporter], loop: loops.loops[0])
                let run = Task { try await group.run() }
                for _ in 0..<10 { tracer.begin("full").end() }
                try await eventually("the batch came") { collector.spans.count == 10 }
                tracer.begin("left").end()
                group.stop()
                try await run.value
                #expect(collector.spans.count == 11)
            }
        }
    }

    @Test(
        "an endpoint that is no URL, or that holds a password, is refused",
        arguments: ["collector:4318", "ftp://x/", "http://", "http://me:pw@x/"])
    func endpoint(_ text: String) async throws {
        try await withClient { loops, client in
            _ = #expect(throws: ConfigurationError.self) {
                try OTLPExporter(.init(endpoint: text), build: Self.build, client: client, loop: loops.loops[0])
            }
        }
    }

    @Test("a span keeps a bounded number of facts")
    func limits() {
        struct Sink: SpanSink {
            let spans = Lock<[Span.Record]>([])
            func take(_ span: Span.Record) { spans.withLock { $0.append(span) } }
        }
        let sink = Sink()
        let span = Tracer(sink: sink, ratio: 1).begin("x")
        for number in 0..<100 { span.set("k\(number)", .integer(number)) }
        for number in 0..<200 { span.event("e\(number)") }
        span.end()
        span.end()
        let records = sink.spans.withLock { $0 }
        #expect(records.count == 1)
        #expect(records.first?.attributes.count == 64 && records.first?.droppedAttributes == 36)
        #expect(records.first?.events.count == 128 && records.first?.droppedEvents == 72)
    }
}
