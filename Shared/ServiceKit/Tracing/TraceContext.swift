import Loop

/// 16 bytes that name a trace; never all zero.
public struct TraceID: Hashable, Sendable, CustomStringConvertible {
    let high: UInt64
    let low: UInt64

    init?(high: UInt64, low: UInt64) {
        guard high != 0 || low != 0 else { return nil }
        self.high = high
        self.low = low
    }

    public static func random() -> TraceID {
        TraceID(high: RandomWords.next(), low: RandomWords.next()) ?? .random()
    }

    public var description: String { Hexadecimal.text(high) + Hexadecimal.text(low) }
    var bytes: [UInt8] { Hexadecimal.bytes(high) + Hexadecimal.bytes(low) }
}

/// 8 bytes that name a span of a trace; never zero.
public struct SpanID: Hashable, Sendable, CustomStringConvertible {
    let value: UInt64

    init?(_ value: UInt64) {
        guard value != 0 else { return nil }
        self.value = value
    }

    public static func random() -> SpanID { SpanID(RandomWords.next()) ?? .random() }

    public var description: String { Hexadecimal.text(value) }
    var bytes: [UInt8] { Hexadecimal.bytes(value) }
}

/// Names that nobody has to be kept from guessing, without a system call for each: SplitMix64, seeded by the system, one
/// sequence per stripe of threads.
enum RandomWords {
    private static let states: [Lock<UInt64>] = (0..<Stripes.count).map { _ in
        Lock(UInt64.random(in: 0...UInt64.max))
    }

    static func next() -> UInt64 {
        var word = states[Stripes.current].withLock { state in
            state &+= 0x9e37_79b9_7f4a_7c15
            return state
        }
        word = (word ^ (word >> 30)) &* 0xbf58_476d_1ce4_e5b9
        word = (word ^ (word >> 27)) &* 0x94d0_49bb_1331_11eb
        return word ^ (word >> 31)
    }
}

/// Where a task is in a trace: W3C's trace context.
public struct TraceContext: Hashable, Sendable {
    /// The context of the task that runs, where there is one.
    @TaskLocal public static var current: TraceContext?

    public var traceID: TraceID
    public var spanID: SpanID
    /// Whether the trace is recorded.
    public var isSampled: Bool
    /// What other systems wrote beside it, newest first, as it goes over the wire; empty for none.
    public var state: String

    public init(traceID: TraceID, spanID: SpanID, isSampled: Bool, state: String = "") {
        self.traceID = traceID
        self.spanID = spanID
        self.isSampled = isSampled
        self.state = state
    }

    /// Reads `traceparent` and `tracestate`. Nil where the former is not valid; an invalid state is dropped alone.
    public init?(traceparent: String, tracestate: [String] = []) {
        let parts = traceparent.split(separator: "-", omittingEmptySubsequences: false)
        guard parts.count >= 4, parts[0].utf8.count == 2, let version = Hexadecimal.value(parts[0]), version != 0xff,
            // What comes after the flags in later versions is for those who know them; version 0 has nothing there.
            version != 0 || parts.count == 4,
            parts[1].utf8.count == 32, let high = Hexadecimal.value(parts[1].prefix(16)),
            let low = Hexadecimal.value(parts[1].suffix(16)), let traceID = TraceID(high: high, low: low),
            parts[2].utf8.count == 16, let span = Hexadecimal.value(parts[2]), let spanID = SpanID(span),
            parts[3].utf8.count == 2, let flags = Hexadecimal.value(parts[3])
        else { return nil }
        self.init(
            traceID: traceID, spanID: spanID, isSampled: flags & 1 == 1, state: TraceState.joined(tracestate) ?? "")
    }

    public var traceparent: String { "00-\(traceID)-\(spanID)-0\(isSampled ? 1 : 0)" }
}

/// The `tracestate` header: up to 32 members `key=value`.
enum TraceState {
    /// The members of all headers as one, or nil where one of them is not valid.
    static func joined(_ headers: [String]) -> String? {
        var members: [Substring] = []
        var keys: Set<Substring> = []
        for member in headers.flatMap({ $0.split(separator: ",") }) {
            let trimmed = trim(member)
            if trimmed.isEmpty { continue }
            guard let equals = trimmed.firstIndex(of: "=") else { return nil }
            let key = trimmed[..<equals]
            let value = trimmed[trimmed.index(after: equals)...]
            guard isKey(key), isValue(value), keys.insert(key).inserted, members.count < 32 else { return nil }
            members.append(trimmed)
        }
        return members.joined(separator: ",")
    }

    private static func trim(_ text: Substring) -> Substring {
        var text = text
        while let first = text.first, first == " " || first == "\t" { text.removeFirst() }
        while let last = text.last, last == " " || last == "\t" { text.removeLast() }
        return text
    }

    private static func isKey(_ key: Substring) -> Bool {
        func isSimple(_ part: Substring, upTo limit: Int, digitFirst: Bool) -> Bool {
            guard let first = part.utf8.first, part.utf8.count <= limit else { return false }
            let letters = UInt8(ascii: "a")...UInt8(ascii: "z")
            let digits = UInt8(ascii: "0")...UInt8(ascii: "9")
            guard letters.contains(first) || (digitFirst && digits.contains(first)) else { return false }
            return part.utf8.allSatisfy { letters.contains($0) || digits.contains($0) || "_-*/".utf8.contains($0) }
        }
        let parts = key.split(separator: "@", omittingEmptySubsequences: false)
        switch parts.count {
        case 1: return isSimple(parts[0], upTo: 256, digitFirst: true)
        case 2:
            return isSimple(parts[0], upTo: 241, digitFirst: true) && isSimple(parts[1], upTo: 14, digitFirst: false)
        default: return false
        }
    }

    private static func isValue(_ value: Substring) -> Bool {
        !value.isEmpty && value.utf8.count <= 256 && value.last != " "
            && value.utf8.allSatisfy { $0 >= 0x20 && $0 <= 0x7e && $0 != UInt8(ascii: "=") }
    }
}

enum Hexadecimal {
    static func text(_ value: UInt64) -> String {
        let text = String(value, radix: 16)
        return String(repeating: "0", count: 16 - text.count) + text
    }

    static func bytes(_ value: UInt64) -> [UInt8] {
        stride(from: 56, through: 0, by: -8).map { UInt8(truncatingIfNeeded: value >> UInt64($0)) }
    }

    /// Lower-case digits only, as the headers have them.
    static func value(_ text: Substring) -> UInt64? {
        var value: UInt64 = 0
        guard !text.isEmpty, text.utf8.count <= 16 else { return nil }
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"): value = value << 4 | UInt64(byte - UInt8(ascii: "0"))
            case UInt8(ascii: "a")...UInt8(ascii: "f"): value = value << 4 | UInt64(byte - UInt8(ascii: "a") + 10)
            default: return nil
            }
        }
        return value
    }
}
