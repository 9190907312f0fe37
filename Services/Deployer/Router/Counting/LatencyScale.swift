import Glibc
import Loop

/// Into which count of a report a duration falls: bounds are 2^(i/4) · 0.1 ms, up to about 26 minutes.
enum LatencyScale {
    static let bounds = 97

    /// `bounds` where it is longer than all.
    static func index(of duration: Duration) -> Int {
        let steps = Double(duration.wholeNanoseconds) / 100_000
        guard steps > 1 else { return 0 }
        return min(bounds, Int((4 * log2(steps)).rounded(.up)))
    }
}
