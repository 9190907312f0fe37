import Glibc
public import Serving

/// A point in time, in nanoseconds since 1970.
public struct WallTime: Sendable, Hashable {
    public var nanoseconds: Int64

    public init(nanoseconds: Int64) { self.nanoseconds = nanoseconds }

    public static func now() -> WallTime {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return WallTime(nanoseconds: Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec))
    }

    /// Year, month and day in UTC.
    var day: (year: Int, month: Int, day: Int) {
        let parts = self.parts
        return (Int(parts.tm_year) + 1900, Int(parts.tm_mon) + 1, Int(parts.tm_mday))
    }

    /// As RFC 3339 with milliseconds: `2026-01-31T23:59:59.999Z`.
    var text: String {
        let parts = self.parts
        let (year, month, day) = self.day
        let milliseconds = Int(nanoseconds % 1_000_000_000) / 1_000_000
        return "\(WallTime.padded(year, 4))-\(WallTime.padded(month, 2))-\(WallTime.padded(day, 2))"
            + "T\(WallTime.padded(Int(parts.tm_hour), 2)):\(WallTime.padded(Int(parts.tm_min), 2)):"
            + "\(WallTime.padded(Int(parts.tm_sec), 2)).\(WallTime.padded(milliseconds, 3))Z"
    }

    private var parts: tm {
        var seconds = time_t(nanoseconds / 1_000_000_000)
        var parts = tm()
        gmtime_r(&seconds, &parts)
        return parts
    }

    static func padded(_ number: Int, _ width: Int) -> String {
        let digits = "\(number)"
        return String(repeating: "0", count: max(0, width - digits.count)) + digits
    }
}

/// A request whose answer is not there yet.
struct CollectedRequest: Sendable {
    var id: String
    var correlation: String
    var inputs: [Tensor]
    var start: WallTime
}

/// A request and its answer, as they are kept.
public struct CollectedRow: Sendable {
    /// The request's id: the caller's, or one that was made for it.
    public var requestID: String
    /// What joins the row with what comes later, such as labels: the caller's, or else the request's id.
    public var correlationID: String
    public var time: WallTime
    public var model: String
    public var version: Int64
    public var inputs: [Tensor]
    public var outputs: [Tensor]
    public var timing: InferenceTiming

    /// Bytes that its tensors hold in memory.
    var byteCount: Int {
        (inputs + outputs).reduce(256) { $0 + $1.contents.count }
    }
}

/// Where collected rows go: files now, the monitor later.
public protocol CollectionSink: Sendable {
    /// Writes rows, in their order. Called from one thread at a time, which may be blocked meanwhile: what comes in then
    /// waits in a bounded queue.
    /// - Throws: what kept the rows from being written; they are counted as dropped.
    func write(_ rows: [CollectedRow]) throws

    /// No more comes: what is open is brought to its end.
    func close() throws
}
