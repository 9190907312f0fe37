import Testing

@testable import ServiceKit

@Suite("W3C trace context")
struct TraceContextTests {
    static let trace = "0af7651916cd43dd8448eb211c80319c"
    static let span = "b7ad6b7169203331"

    @Test("a valid header is read and written the same")
    func roundTrip() throws {
        let text = "00-\(Self.trace)-\(Self.span)-01"
        let context = try #require(TraceContext(traceparent: text, tracestate: ["a=1, b@c=2", "d=3"]))
        #expect(context.traceparent == text && context.isSampled && context.state == "a=1,b@c=2,d=3")
    }

    @Test("flags that are unknown are not passed on; later versions are read as far as they are known")
    func later() {
        #expect(TraceContext(traceparent: "00-\(Self.trace)-\(Self.span)-03")?.traceparent.hasSuffix("-01") == true)
        #expect(TraceContext(traceparent: "00-\(Self.trace)-\(Self.span)-02")?.isSampled == false)
        #expect(TraceContext(traceparent: "cc-\(Self.trace)-\(Self.span)-01-what-the-future") != nil)
    }

    @Test(
        "an invalid header is none",
        arguments: [
            "", "00", "ff-\(trace)-\(span)-01", "00-\(trace)-\(span)-01-more", "00-\(trace)-\(span)",
            "00-00000000000000000000000000000000-\(span)-01", "00-\(trace)-0000000000000000-01",
            "00-\(trace.uppercased())-\(span)-01", "00-\(trace)a-\(span)-01", "0-\(trace)-\(span)-01",
            "00-\(trace)-\(span)-1", "00-\(trace)-\(span)-zz", "00-\(trace.dropLast())g-\(span)-01",
        ])
    func invalid(_ text: String) {
        #expect(TraceContext(traceparent: text) == nil)
    }

    @Test(
        "an invalid state is dropped, and the trace kept",
        arguments: [
            "a", "A=1", "a=1,a=2", "a=b=c", "a=ü", "@b=1", "a@1b=2",
            (0..<33).map { "k\($0)=v" }.joined(separator: ","),
        ])
    func invalidState(_ state: String) {
        let context = TraceContext(traceparent: "00-\(Self.trace)-\(Self.span)-01", tracestate: [state])
        #expect(context?.state == "")
    }

    @Test("a share of the traces is sampled, and a caller's decision is kept")
    func sampling() {
        struct Sink: SpanSink { func take(_ span: Span.Record) {} }
        let tracer = Tracer(sink: Sink(), ratio: 0.25)
        let sampled = (0..<4000).filter { _ in tracer.begin("x").context.isSampled }.count
        #expect((800...1200).contains(sampled))
        let yes = TraceContext(traceID: .random(), spanID: .random(), isSampled: true, state: "a=1")
        var no = yes
        no.isSampled = false
        let child = tracer.begin("x", parent: yes)
        #expect(child.context.isSampled && child.context.traceID == yes.traceID && child.context.state == "a=1")
        #expect(child.context.spanID != yes.spanID)
        #expect(!Tracer(sink: Sink(), ratio: 1).begin("x", parent: no).isRecording)
        #expect(Tracer.silent.begin("x", parent: yes).context.isSampled)
        #expect(!Tracer(sink: Sink(), ratio: 0).begin("x").context.isSampled)
    }
}
