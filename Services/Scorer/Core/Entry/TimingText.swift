import Serving

/// Where a request's time went, in the form of the field `slipway-timing`:
///
///     queue=12.3us, compute=31.0us, batch=8, closed=full, inline
enum TimingText {
    static let field = "slipway-timing"

    static func of(_ timing: InferenceTiming) -> String {
        var output = JSONOutput(reserving: 80)
        output.literal("queue=")
        microseconds(timing.queue, &output)
        output.literal(", compute=")
        microseconds(timing.compute, &output)
        output.literal(", batch=")
        output.integer(timing.batchSize)
        output.literal(", closed=")
        output.raw(timing.closing.rawValue)
        if timing.ranInline { output.literal(", inline") }
        return String(decoding: output.bytes, as: UTF8.self)
    }

    private static func microseconds(_ duration: Duration, _ output: inout JSONOutput) {
        let (seconds, attoseconds) = duration.components
        let tenths = max(0, seconds * 10_000_000 + attoseconds / 100_000_000_000)
        output.integer(tenths / 10)
        output.byte(UInt8(ascii: "."))
        output.integer(tenths % 10)
        output.literal("us")
    }
}
