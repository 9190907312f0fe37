import Loop

/// One operation of a trace. Usable from any task of the operation; what is said after its end is lost.
public final class Span: Sendable {
    public enum Kind: Int, Sendable {
        case `internal` = 1
        case server = 2
        case client = 3
    }

    public enum Status: Sendable, Equatable {
        case unset
        case ok
        case error(String)
    }

    struct Record: Sendable {
        var name: String
        var kind: Kind
        var context: TraceContext
        var parent: SpanID?
        var start: Int64
        var end: Int64 = 0
        var attributes: [(name: String, value: LogValue)]
        var droppedAttributes = 0
        var events: [(time: Int64, name: String)] = []
        var droppedEvents = 0
        var status = Status.unset
    }

    static let attributeLimit = 64
    static let eventLimit = 128

    public let context: TraceContext
    private let record: Lock<Record?>
    private let onEnd: @Sendable (Record) -> Void

    /// A span that nobody records has a context all the same, so that logs and calls carry its trace.
    init(_ record: Record, onEnd: @escaping @Sendable (Record) -> Void) {
        context = record.context
        self.onEnd = onEnd
        self.record = Lock(record.context.isSampled ? record : nil)
    }

    public var isRecording: Bool { record.withLock { $0 != nil } }

    /// Adds a fact. Secrets have no place in a trace: a value of that kind is written as stars.
    public func set(_ name: String, _ value: LogValue) {
        record.withLock { record in
            guard record != nil else { return }
            if let index = record?.attributes.firstIndex(where: { $0.name == name }) {
                record?.attributes[index].value = value
            } else if record?.attributes.count ?? 0 < Span.attributeLimit {
                record?.attributes.append((name, value))
            } else {
                record?.droppedAttributes += 1
            }
        }
    }

    /// Notes that something happened now.
    public func event(_ name: String) {
        record.withLock { record in
            guard record != nil else { return }
            if record?.events.count ?? 0 < Span.eventLimit {
                record?.events.append((LogTime.now, name))
            } else {
                record?.droppedEvents += 1
            }
        }
    }

    public func set(status: Status) { record.withLock { $0?.status = status } }

    /// Hands the span over; nothing happens the second time.
    public func end() {
        let ended = record.withLock { record in
            defer { record = nil }
            return record
        }
        guard var ended else { return }
        ended.end = LogTime.now
        onEnd(ended)
    }
}

/// Where ended spans go. Called on the thread where a span ended; must not block.
protocol SpanSink: Sendable {
    func take(_ span: Span.Record)
}

/// Begins spans and decides which traces are recorded.
public struct Tracer: Sendable {
    private let sink: (any SpanSink)?
    private let threshold: UInt64

    /// Records nothing and carries contexts on.
    public static let silent = Tracer(sink: nil, ratio: 0)

    /// - Parameter ratio: the share of the traces beginning here that is recorded. Whoever called decides for its own.
    public init(exporter: OTLPExporter, ratio: Double) { self.init(sink: exporter, ratio: ratio) }

    init(sink: (any SpanSink)?, ratio: Double) {
        self.sink = sink
        threshold = ratio >= 1 ? .max : UInt64(max(0, ratio) * Double(UInt64.max >> 1)) << 1
    }

    /// Begins a span under `parent`, or a new trace where there is none.
    public func begin(
        _ name: String, kind: Span.Kind = .internal, parent: TraceContext? = TraceContext.current,
        _ attributes: KeyValuePairs<String, LogValue> = [:]
    ) -> Span {
        let traceID = parent?.traceID ?? .random()
        // By the trace's name, so that every service that begins no trace of its own decides alike.
        let isSampled = sink != nil && (parent?.isSampled ?? (threshold == .max || traceID.low < threshold))
        // Without a sink the caller's decision is passed on: those behind us may record.
        let context = TraceContext(
            traceID: traceID, spanID: .random(), isSampled: sink == nil ? parent?.isSampled ?? false : isSampled,
            state: parent?.state ?? "")
        let record = Span.Record(
            name: name, kind: kind, context: context, parent: parent?.spanID, start: LogTime.now,
            attributes: attributes.map { ($0.key, $0.value) })
        return Span(record) { [sink] in sink?.take($0) }
    }

    /// Runs `body` inside a span. An error makes the span's status; its text is not kept, because it may hold anything.
    public func withSpan<Result>(
        _ name: String, kind: Span.Kind = .internal, parent: TraceContext? = TraceContext.current,
        _ attributes: KeyValuePairs<String, LogValue> = [:], _ body: (Span) async throws -> Result
    ) async rethrows -> Result {
        let span = begin(name, kind: kind, parent: parent, attributes)
        defer { span.end() }
        return try await TraceContext.$current.withValue(span.context) {
            do { return try await body(span) } catch {
                span.set(status: .error("\(type(of: error))"))
                throw error
            }
        }
    }
}
