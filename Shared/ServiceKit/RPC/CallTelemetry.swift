import Loop
import RPC

/// Counts and times each call of a server by method and outcome, and writes the access log. Stand it behind
/// `ServerTracing`, so that its lines carry the trace.
public struct CallTelemetry: ServerInterceptor {
    private let calls: MetricFamily<Counter>
    private let latency: MetricFamily<Histogram>
    private let inFlight: MetricFamily<Gauge>
    private let logger: Logger
    private let slow: Duration
    private let methods = MethodMetricsTable()

    /// - Parameters:
    ///   - logger: gets a line per call: `debug` for one that went well, `info` for a slow one or one whose caller was
    ///     wrong, `error` for one that the service failed.
    ///   - slow: calls over it are logged though they went well.
    public init(_ metrics: MetricsRegistry, logger: Logger, slow: Duration = .seconds(1)) {
        calls = metrics.counters(
            "slipway_rpc_calls_total", "Calls that ended, by method and status code.",
            labels: ["service", "method", "code"])
        latency = metrics.histograms(
            "slipway_rpc_call_seconds", "How long calls took, from their head to the handler's end.",
            labels: ["service", "method"])
        inFlight = metrics.gauges(
            "slipway_rpc_calls_in_flight", "Calls that run now.", labels: ["service", "method"])
        self.logger = logger.part("rpc")
        self.slow = slow
    }

    public func intercept(_ context: ServerContext, next: (ServerContext) async throws -> Void) async throws {
        let metrics = methods.find(context.method) { method in
            MethodMetrics(
                inFlight: inFlight.with(method.service, method.name),
                latency: latency.with(method.service, method.name),
                succeeded: calls.with(method.service, method.name, RPCCode.ok.name))
        }
        metrics.inFlight.add(1)
        let started = context.loop.clock.now
        do {
            try await next(context)
            finish(context, started, metrics, .ok, nil)
        } catch {
            let failure = RPCError(error)
            // What the caller does not get to see is for the log: the redactor goes over it.
            finish(context, started, metrics, failure.code, "\(error)")
            throw error
        }
    }

    private func finish(
        _ context: ServerContext, _ started: LoopInstant, _ metrics: MethodMetrics, _ code: RPCCode, _ error: String?
    ) {
        let duration = started.duration(to: context.loop.clock.now)
        metrics.inFlight.add(-1)
        metrics.latency.record(duration)
        if code == .ok {
            metrics.succeeded.add()
        } else {
            calls.with(context.method.service, context.method.name, code.name).add()
        }
        let level = CallTelemetry.level(code, isSlow: duration > slow)
        guard level >= logger.level else { return }
        var line = logger.with([
            "method": .string("\(context.method)"), "code": .string(code.name), "duration": LogValue(duration),
            "peer": .string(context.peer.address),
        ])
        if let error { line = line.with(["error": .string(error)]) }
        line.log(level, "call")
    }

    private static func level(_ code: RPCCode, isSlow: Bool) -> LogLevel {
        switch code {
        case .ok: isSlow ? .info : .debug
        case .unknown, .internal, .dataLoss, .unimplemented: .error
        case .deadlineExceeded, .unavailable, .resourceExhausted: .warning
        default: .info
        }
    }
}

/// The series that every call of a method touches.
private struct MethodMetrics: Sendable {
    let inFlight: Gauge
    let latency: Histogram
    let succeeded: Counter
}

/// A method's series by one look-up, in a table that each thread has for itself.
private final class MethodMetricsTable: Sendable {
    private let tables: [Lock<[String: MethodMetrics]>] = (0..<Stripes.count).map { _ in Lock([:]) }

    /// Methods are those that the server offers: their number is bounded.
    func find(_ method: AnyMethod, make: (AnyMethod) -> MethodMetrics) -> MethodMetrics {
        let table = tables[Stripes.current]
        if let found = table.withLock({ $0[method.path] }) { return found }
        let made = make(method)
        table.withLock { $0[method.path] = made }
        return made
    }
}
