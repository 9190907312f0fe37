internal import Protobuf

/// Spans as OTLP's messages.
enum OTLPEncoding {
    typealias Common = Opentelemetry.Proto.Common.V1
    typealias Trace = Opentelemetry.Proto.Trace.V1
    typealias Request = Opentelemetry.Proto.Collector.Trace.V1.ExportTraceServiceRequest

    static func request(_ spans: [Span.Record], build: BuildInformation) -> Request {
        var resource = Opentelemetry.Proto.Resource.V1.Resource()
        resource.attributes = [
            attribute("service.name", .string(build.service)), attribute("service.version", .string(build.version)),
            attribute("telemetry.sdk.name", "slipway"), attribute("telemetry.sdk.language", "swift"),
        ]
        var scope = Common.InstrumentationScope()
        scope.name = "slipway"
        scope.version = build.version
        var scopeSpans = Trace.ScopeSpans()
        scopeSpans.scope = scope
        scopeSpans.spans = spans.map(span)
        var resourceSpans = Trace.ResourceSpans()
        resourceSpans.resource = resource
        resourceSpans.scopeSpans = [scopeSpans]
        var request = Request()
        request.resourceSpans = [resourceSpans]
        return request
    }

    private static func span(_ record: Span.Record) -> Trace.Span {
        var span = Trace.Span()
        span.traceId = record.context.traceID.bytes[...]
        span.spanId = record.context.spanID.bytes[...]
        span.parentSpanId = (record.parent?.bytes ?? [])[...]
        span.traceState = record.context.state
        span.flags = record.context.isSampled ? 1 : 0
        span.name = record.name
        span.kind = Trace.Span.SpanKind(rawValue: Int32(record.kind.rawValue))
        span.startTimeUnixNano = UInt64(max(0, record.start))
        // The clock may have been set back meanwhile; a span that ends before it begins is refused by collectors.
        span.endTimeUnixNano = UInt64(max(0, record.start, record.end))
        span.attributes = record.attributes.map { attribute($0.name, $0.value) }
        span.droppedAttributesCount = UInt32(record.droppedAttributes)
        span.events = record.events.map { time, name in
            var event = Trace.Span.Event()
            event.timeUnixNano = UInt64(max(0, time))
            event.name = name
            return event
        }
        span.droppedEventsCount = UInt32(record.droppedEvents)
        switch record.status {
        case .unset: break
        case .ok: span.status = status(.ok, "")
        case .error(let message): span.status = status(.error, message)
        }
        return span
    }

    private static func status(_ code: Trace.Status.StatusCode, _ message: String) -> Trace.Status {
        var status = Trace.Status()
        status.code = code
        status.message = message
        return status
    }

    private static func attribute(_ name: String, _ value: LogValue) -> Common.KeyValue {
        var attribute = Common.KeyValue()
        attribute.key = name
        var any = Common.AnyValue()
        any.value =
            switch redact(name, value) {
            case .string(let text): .stringValue(text)
            case .integer(let number): .intValue(Int64(number))
            case .double(let number): .doubleValue(number)
            case .bool(let flag): .boolValue(flag)
            case .secret: .stringValue(Redactor.replacement)
            }
        attribute.value = any
        return attribute
    }

    private static func redact(_ name: String, _ value: LogValue) -> LogValue {
        if case .string = value, Redactor.isTelling(name) { return .secret }
        return value
    }
}
