import HTTP
import Loop
internal import Protobuf
import Synchronization

/// Sends spans to an OpenTelemetry collector, as protobuf over HTTP, in batches. Its queue is bounded: what finds no room
/// is counted and lost, and the service goes on.
public final class OTLPExporter: Service, SpanSink {
    public struct Configuration: Sendable {
        /// Where to post: `http://collector:4318/v1/traces`.
        public var endpoint: String
        /// Sent with each request, for instance a credential.
        public var fields: [(name: String, value: Secret)] = []
        public var queueLimit = 4096
        public var batchLimit = 512
        /// A batch is sent when it is full or this old.
        public var interval = Duration.seconds(5)
        public var timeout = Duration.seconds(10)
        /// Attempts for one batch, with pauses that double from the first.
        public var attempts = 4
        public var firstPause = Duration.milliseconds(500)

        public init(endpoint: String) { self.endpoint = endpoint }
    }

    public var serviceName: String { "trace-exporter" }
    private let configuration: Configuration
    private let build: BuildInformation
    private let client: HTTPClient
    private let loop: EventLoop
    private let target: (scheme: String, authority: String, path: String)

    private struct State {
        var queue: [Span.Record] = []
        var wakeUp: (@Sendable () -> Void)?
    }
    private let state = Lock(State())
    private let dropped = Atomic<Int>(0)
    private let sent = Atomic<Int>(0)

    /// - Parameters:
    ///   - client: must have TLS where the endpoint is `https`.
    ///   - loop: keeps the time.
    /// - Throws: `ConfigurationError` where the endpoint is no URL.
    public init(
        _ configuration: Configuration, build: BuildInformation, client: HTTPClient, loop: EventLoop
    ) throws {
        let parts = configuration.endpoint.split(separator: "/", maxSplits: 3, omittingEmptySubsequences: false)
        guard parts.count >= 3, parts[0] == "http:" || parts[0] == "https:", parts[1].isEmpty, !parts[2].isEmpty,
            !parts[2].contains("@")
        else { throw ConfigurationError(["the trace endpoint must be http://host:port/v1/traces"]) }
        target = (
            String(parts[0].dropLast()), String(parts[2]), "/" + (parts.count > 3 ? String(parts[3]) : "v1/traces")
        )
        self.configuration = configuration
        self.build = build
        self.client = client
        self.loop = loop
    }

    /// Spans that no collector has and none will get.
    public var droppedCount: Int { dropped.load(ordering: .relaxed) }
    /// Spans that a collector took.
    public var sentCount: Int { sent.load(ordering: .relaxed) }

    func take(_ span: Span.Record) {
        let wakeUp: (@Sendable () -> Void)? = state.withLock { state in
            guard state.queue.count < configuration.queueLimit else {
                dropped.add(1, ordering: .relaxed)
                return nil
            }
            state.queue.append(span)
            guard state.queue.count >= configuration.batchLimit else { return nil }
            defer { state.wakeUp = nil }
            return state.wakeUp
        }
        wakeUp?()
    }

    /// Exports until the service stops, and then what is left.
    public func run() async throws {
        let stop = StopSignal.current ?? StopSignal()
        while !stop.isRequested {
            try await nap(stop)
            await exportAll()
        }
    }

    /// Suspends until a batch is full, the interval has passed, or the service is to stop.
    private func nap(_ stop: StopSignal) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { [self] in try await loop.sleep(for: configuration.interval) }
            group.addTask { try await stop.wait() }
            group.addTask { [self] in try await waitForFullBatch() }
            defer { group.cancelAll() }
            try await group.next()
        }
    }

    private func waitForFullBatch() async throws {
        await withTaskCancellationHandler {
            await withCheckedContinuation { (continuation: CheckedContinuation<Void, Never>) in
                let isDue = state.withLock { state in
                    if state.queue.count >= configuration.batchLimit || Task.isCancelled { return true }
                    state.wakeUp = { continuation.resume() }
                    return false
                }
                if isDue { continuation.resume() }
            }
        } onCancel: {
            let wakeUp = state.withLock { state in
                defer { state.wakeUp = nil }
                return state.wakeUp
            }
            wakeUp?()
        }
    }

    /// Sends what waits, batch by batch.
    func exportAll() async {
        while true {
            let batch = state.withLock { state in
                let batch = Array(state.queue.prefix(configuration.batchLimit))
                state.queue.removeFirst(batch.count)
                return batch
            }
            if batch.isEmpty { return }
            await export(batch)
        }
    }

    private func export(_ batch: [Span.Record]) async {
        let body = OTLPEncoding.request(batch, build: build).serialized()
        var pause = configuration.firstPause
        for attempt in 1...max(1, configuration.attempts) {
            switch await post(body) {
            case .taken(let rejected):
                let refused = min(max(0, rejected), batch.count)
                sent.add(batch.count - refused, ordering: .relaxed)
                dropped.add(refused, ordering: .relaxed)
                return
            case .refused:
                dropped.add(batch.count, ordering: .relaxed)
                return
            case .later:
                guard attempt < configuration.attempts, !Task.isCancelled, StopSignal.current?.isRequested != true
                else {
                    break
                }
                do { try await loop.sleep(for: pause) } catch { break }
                pause *= 2
                continue
            }
            break
        }
        dropped.add(batch.count, ordering: .relaxed)
    }

    private enum Outcome: Sendable {
        case taken(rejected: Int)
        case refused
        case later
    }

    private func post(_ body: [UInt8]) async -> Outcome {
        var fields: HeaderFields = ["content-type": "application/x-protobuf"]
        for (name, value) in configuration.fields { fields.add(name, value.reveal()) }
        let request = RequestHead(
            method: .post, scheme: target.scheme, authority: target.authority, path: target.path, fields: fields,
            version: .http11)
        do {
            return try await client.execute(request, .bytes(body), deadline: configuration.timeout) { head, body in
                let answer = try await body.collect(upTo: 64 * 1024)
                switch head.status {
                case 200..<300:
                    typealias Response = Opentelemetry.Proto.Collector.Trace.V1.ExportTraceServiceResponse
                    let response = try? Response(serialized: answer[...])
                    return .taken(rejected: Int(response?.partialSuccess?.rejectedSpans ?? 0))
                case 429, 502, 503, 504: return .later
                default: return .refused
                }
            }
        } catch {
            return .later
        }
    }
}
