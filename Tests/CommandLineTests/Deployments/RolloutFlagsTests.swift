import CommandLineKit
import Contracts
import Testing

@testable import Slipway

@Suite("Words of rollouts and lengths of time")
struct RolloutFlagsTests {
    @Test("gates are read as people write them, and written so that they are read again")
    func gates() {
        #expect(GateText.gate("error-rate=0.01") == .init(measure: .errorRate, maximum: 0.01))
        #expect(GateText.gate("error-rate=1%") == GateText.gate("error-rate=0.01"))
        #expect(GateText.gate("p99=0.2s") == .init(measure: .latencyP99Ms, maximum: 200))
        for text in ["error-rate=0.01", "p50=20ms", "p99=1500ms"] {
            #expect(GateText.gate(text).map(GateText.text) == text)
        }
        for text in ["error-rate", "error-rate=2", "error-rate=-1", "p99=fast", "p99=0", "p95=3", "=1", "p99=inf"] {
            #expect(GateText.gate(text) == nil, "\(text)")
        }
    }

    @Test("short lengths of time are read, and nothing else is")
    func brief() {
        #expect(DurationText.brief("500ms") == .milliseconds(500))
        #expect(DurationText.brief("2s") == .seconds(2) && DurationText.brief("5m") == .seconds(300))
        for text in ["", "ms", "-1ms", "1.5ms", "5", "999999999999999ms"] { #expect(DurationText.brief(text) == nil) }
    }

    @Test("a traceback in a line of the log gets its lines back, and nothing else does")
    func traceback() {
        let line = #"ERROR: Traceback (most recent call last):\n  File \"a.py\", line 1\nKeyError"#
        #expect(LogText.shown(line).split(separator: "\n").count == 3)
        #expect(LogText.shown(line).contains("File \"a.py\""))
        #expect(LogText.shown(#"INFO: a\nb"#) == #"INFO: a\nb"#)
    }
}
