import Glibc
import Loop
import Testing

@testable import ServiceKit

@Suite("metrics")
struct MetricsTests {
    func sample() -> MetricsRegistry {
        let registry = MetricsRegistry()
        let calls = registry.counters("slipway_calls_total", "Calls\nby \"kind\".", labels: ["kind", "code"])
        calls.with("a\"b\\c\nd", "ok").add(3)
        calls.with("x", "bad").add()
        registry.gauge("slipway_queue_length", "Waiting.").set(2.5)
        let latency = registry.histogram("slipway_call_seconds", "Took.", bounds: [0.01, 0.1, 1])
        for milliseconds in [5, 10, 50, 2000] { latency.record(.milliseconds(milliseconds)) }
        ProcessMetrics.register(in: registry, build: BuildInformation(service: "test", version: "1"))
        return registry
    }

    @Test("the text has help, type and every series, escaped")
    func text() {
        let text = sample().text(.prometheus)
        for line in [
            "# HELP slipway_calls_total Calls\\nby \"kind\".", "# TYPE slipway_calls_total counter",
            "slipway_calls_total{kind=\"a\\\"b\\\\c\\nd\",code=\"ok\"} 3", "slipway_queue_length 2.5",
            "slipway_call_seconds_bucket{le=\"0.01\"} 2", "slipway_call_seconds_bucket{le=\"0.1\"} 3",
            "slipway_call_seconds_bucket{le=\"+Inf\"} 4", "slipway_call_seconds_sum 2.065",
            "slipway_call_seconds_count 4",
            "slipway_build_info{service=\"test\",version=\"1\",revision=\"unknown\"} 1.0",
        ] { #expect(text.split(separator: "\n").contains(Substring(line)), "\(line)\n\(text)") }
    }

    @Test("OpenMetrics names counters' families without suffix and ends the text")
    func openMetrics() {
        let text = sample().text(.openMetrics)
        #expect(text.contains("# TYPE slipway_calls counter\n") && text.contains("\nslipway_calls_total{"))
        #expect(text.hasSuffix("\n# EOF\n"))
    }

    @Test(
        "the format follows what is accepted",
        arguments: [
            (nil, MetricsFormat.prometheus), ("*/*", .prometheus), ("text/plain", .prometheus),
            ("application/openmetrics-text; version=1.0.0", .openMetrics),
            ("application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.9", .prometheus),
            ("application/openmetrics-text;version=1.0.0;q=0.8,text/plain;version=0.0.4;q=0.3,*/*;q=0.1", .openMetrics),
            ("application/openmetrics-text;q=0", .prometheus),
        ] as [(String?, MetricsFormat)])
    func negotiation(_ accept: String?, _ format: MetricsFormat) {
        #expect(MetricsFormat(accept: accept) == format)
    }

    @Test("labels over the limit share one series")
    func cardinality() {
        let registry = MetricsRegistry(seriesLimit: 10)
        let family = registry.counters("slipway_seen_total", "Seen.", labels: ["name"])
        for number in 0..<1000 { family.with("name \(number)").add() }
        family.with("name 3").add()
        #expect(family.all.count == 11)
        #expect(family.with("other").value == 990 && family.overflowCount == 990)
        #expect(family.with("name 3").value == 2)
        #expect(family.with("too", "many").value == 990)
    }

    @Test("counts from many threads are all there")
    func threads() throws {
        let registry = MetricsRegistry()
        let counter = registry.counter("slipway_all_total", "All.")
        let family = registry.counters("slipway_some_total", "Some.", labels: ["n"])
        let gauge = registry.gauge("slipway_level", "Level.")
        let histogram = registry.histogram("slipway_seconds", "Seconds.")
        let threads = try (0..<12).map { number in
            try startThread(named: "count") {
                for _ in 0..<10_000 {
                    counter.add()
                    family.with("\(number % 3)").add(2)
                    gauge.add(1)
                    gauge.add(-1)
                    histogram.record(.milliseconds(1))
                }
            }
        }
        for thread in threads { pthread_join(thread, nil) }
        #expect(counter.value == 120_000 && gauge.value == 0 && histogram.count == 120_000)
        #expect(family.all.map(\.series.value) == [80_000, 80_000, 80_000])
        #expect(abs(histogram.sum - 120) < 1e-6)
    }

    /// `Scripts/bootstrap` puts it there.
    private static let promtool =
        #filePath.split(separator: "/").dropLast(3).map { "/\($0)" }.joined() + "/.tools/promtool"

    @Test("promtool accepts the text")
    func promtool() throws {
        let promtool = MetricsTests.promtool
        try #require(access(promtool, X_OK) == 0, "\(promtool) is missing: Scripts/bootstrap puts it there")
        var template = Array("/tmp/slipway-metrics-XXXXXX".utf8CString)
        let file = mkstemp(&template)
        let path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        defer { unlink(path) }
        let bytes = Array(sample().text(.prometheus).utf8)
        #expect(write(file, bytes, bytes.count) == bytes.count)
        close(file)
        let pipe = try #require(popen("'\(promtool)' check metrics < \(path) 2>&1", "r"))
        var said = [UInt8](repeating: 0, count: 65536)
        let count = fread(&said, 1, said.count, pipe)
        let status = pclose(pipe)
        #expect(status == 0 && count == 0, "\(String(decoding: said[..<count], as: UTF8.self))")
    }
}
