import Glibc
import Loop
import ServiceKit

/// What it costs to be seen: nanoseconds per metric, log record and span, alone and with a second thread doing the same.
@main
struct BenchTelemetry {
    static func main() throws {
        let registry = MetricsRegistry()
        let counter = registry.counter("slipway_bench_total", "Adds.")
        let histogram = registry.histogram("slipway_bench_seconds", "Records.")
        let family = registry.counters("slipway_bench_labelled_total", "Adds.", labels: ["method", "code"])
        let gauge = registry.gauge("slipway_bench_level", "Level.")
        var configuration = LogWriter.Configuration()
        configuration.descriptor = open("/dev/null", O_WRONLY | O_CLOEXEC)
        configuration.queueLimit = 1 << 22
        let writer = LogWriter(configuration)
        let logger = Logger("bench", writer: writer)
        try writer.start()

        print("ns per operation".padded(34), "one thread".leftPadded(12), "two threads".leftPadded(12))
        try measure("counter.add") { counter.add() }
        try measure("gauge.add") { gauge.add(1) }
        try measure("histogram.record") { histogram.record(.microseconds(130)) }
        try measure("counters.with(two labels).add") { family.with("slipway.models.v1.Models/Get", "ok").add() }
        try measure("log record below the level") { logger.debug("never made", ["n": 1]) }
        try measure("log record with two facts", rounds: 200_000) { logger.info("call", ["method": "Get", "n": 1]) }
        try measure("span that is not recorded", rounds: 500_000) { Tracer.silent.begin("call").end() }
        writer.stop()
        if writer.droppedCount > 0 { print("dropped \(writer.droppedCount) records") }
    }

    static func measure(_ name: String, rounds: Int = 5_000_000, _ body: @escaping @Sendable () -> Void) throws {
        @Sendable func run() {
            for _ in 0..<rounds { body() }
        }
        let clock = ContinuousClock()
        let alone = clock.measure { run() }
        let together = try clock.measure {
            let other = try startThread(named: "other") { run() }
            run()
            pthread_join(other, nil)
        }
        func text(_ duration: Duration) -> String {
            let tenths = duration.wholeNanoseconds * 10 / Int64(rounds)
            return "\(tenths / 10).\(tenths % 10)".leftPadded(12)
        }
        print(name.padded(34), text(alone), text(together))
    }
}

extension String {
    func padded(_ width: Int) -> String { self + String(repeating: " ", count: max(0, width - count)) }
    func leftPadded(_ width: Int) -> String { String(repeating: " ", count: max(0, width - count)) + self }
}
