import Glibc

/// A point in time of a loop's clock. Only differences mean something.
public struct LoopInstant: Hashable, Comparable, Sendable {
    public var nanoseconds: Int64

    @inlinable public init(nanoseconds: Int64) { self.nanoseconds = nanoseconds }

    /// Later by `duration`; saturates where that is beyond the clock's range.
    public func advanced(by duration: Duration) -> LoopInstant {
        let (sum, overflow) = nanoseconds.addingReportingOverflow(duration.wholeNanoseconds)
        return LoopInstant(nanoseconds: overflow ? (duration < .zero ? .min : .max) : sum)
    }

    public func duration(to other: LoopInstant) -> Duration { .nanoseconds(other.nanoseconds - nanoseconds) }

    @inlinable public static func < (left: LoopInstant, right: LoopInstant) -> Bool {
        left.nanoseconds < right.nanoseconds
    }
}

extension Duration {
    /// The duration in nanoseconds, saturated at the range of `Int64` (292 years).
    public var wholeNanoseconds: Int64 {
        let (seconds, attoseconds) = components
        let (scaled, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
        let (sum, carried) = scaled.addingReportingOverflow(attoseconds / 1_000_000_000)
        return overflow || carried ? (seconds < 0 ? .min : .max) : sum
    }
}

/// Where a loop takes its time from, so that tests can set it.
public protocol LoopClock: AnyObject, Sendable {
    var now: LoopInstant { get }

    /// How long a loop may sleep until `deadline` comes, in nanoseconds; nil where only `advance` ends the sleep.
    func sleepNanoseconds(until deadline: LoopInstant) -> Int64?

    /// A loop that wants to hear when the time was set. Called once, when the loop starts.
    func attach(_ loop: EventLoop)
}

/// The machine's monotonic clock.
public final class MonotonicClock: LoopClock {
    public init() {}

    public var now: LoopInstant {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return LoopInstant(nanoseconds: Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec))
    }

    public func sleepNanoseconds(until deadline: LoopInstant) -> Int64? {
        max(0, deadline.nanoseconds - now.nanoseconds)
    }

    public func attach(_ loop: EventLoop) {}
}

/// A clock that stands still until it is told to move on.
public final class ManualClock: LoopClock {
    private struct Follower {
        weak var loop: EventLoop?
    }
    private struct State {
        var now = LoopInstant(nanoseconds: 0)
        var followers: [Follower] = []
    }
    private let state = Lock(State())

    public init() {}

    public var now: LoopInstant { state.withLock { $0.now } }

    public func sleepNanoseconds(until deadline: LoopInstant) -> Int64? { deadline <= now ? 0 : nil }

    public func attach(_ loop: EventLoop) { state.withLock { $0.followers.append(Follower(loop: loop)) } }

    /// Moves the time and wakes every loop that follows this clock.
    public func advance(by duration: Duration) {
        let loops = state.withLock {
            $0.now = $0.now.advanced(by: duration)
            return $0.followers.compactMap(\.loop)
        }
        for loop in loops { loop.execute {} }
    }
}
