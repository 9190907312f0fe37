internal import Glibc
internal import Protobuf

typealias Bench = Slipway.Bench.V1

/// Prints a line per message: name, bytes, and the nanoseconds of an encode and of a decode, the best of several rounds.
/// Encoding gives a new array; decoding gives a new message.
@main
struct Main {
    static func main() throws {
        try measure("flat", flat())
        try measure("nested", nested())
        try measure("floats", floats())
        try measure("blob", blob())
        try measureJSON("json-short", (0..<100_000).map { Float($0 % 1000) * 0.125 })
        var state: UInt32 = 1
        try measureJSON(
            "json-long",
            (0..<100_000).map { _ in
                state = state &* 1_664_525 &+ 1_013_904_223
                return Float(state >> 8) / 16_777_216
            })
    }

    /// Numbers in JSON, as an inference request over REST carries them.
    private static func measureJSON(_ name: String, _ values: [Float]) throws {
        let message = Bench.Floats(name: "input", shape: [100, 1000], values: values)
        let text = try message.jsonBytes()
        let encode = try best(20) { consume(try message.jsonBytes().count) }
        let decode = try best(20) { consume(try Bench.Floats(json: text).encodedSizeIsKnown) }
        print(name, text.count, encode, decode)
    }

    private static func flat() -> Bench.Flat {
        .init(
            name: "recommendations", id: 1_234_567_890_123, count: 42, enabled: true, score: 0.987,
            token: "0123456789abcdef0123456789abcdef", trace: 0xfeed_face_cafe_beef)
    }

    private static func nested() -> Bench.Nested {
        let address = Bench.Nested.Address(street: "12 Long Acre Street", city: "Zürich", code: 8001)
        return .init(
            id: "order-2024-000123",
            customer: .init(name: "Ada Lovelace", email: "ada.lovelace@example.com", address: address),
            items: (0..<10).map { index in
                .init(
                    sku: "sku-\(index)-abcdefghijkl", quantity: UInt32(index * 30), price: 9.99 * Double(index),
                    tags: ["new", "discounted-\(index)", "a tag that is rather long"])
            },
            labels: ["team": "forecasting", "environment": "production", "region": "eu-central-1"],
            totals: ["net": 123_456, "gross": 146_913], history: (0..<20).map { Int64($0) * 1000 })
    }

    private static func floats() -> Bench.Floats {
        .init(name: "input", shape: [1, 512, 512], values: (0..<262_144).map { Float($0) * 0.5 })
    }

    private static func blob() -> Bench.Blob {
        .init(name: "input", shape: [1, 512, 512], raw: [UInt8](repeating: 7, count: 1 << 20)[...])
    }

    private static func measure<M: Message>(_ name: String, _ message: M) throws {
        let bytes = message.serialized()
        let count = bytes.count > 100_000 ? 300 : 100_000
        let encode = best(count) { consume(message.serialized().count) }
        let decode = try best(count) { consume(try M(serialized: bytes).encodedSizeIsKnown) }
        print(name, bytes.count, encode, decode)
    }

    private static func best(_ count: Int, _ body: () throws -> Void) rethrows -> Double {
        var best = Double.infinity
        for _ in 0..<7 {
            let start = now()
            for _ in 0..<count { try body() }
            best = min(best, Double(now() - start) / Double(count))
        }
        return best
    }

    private static func now() -> Int {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return time.tv_sec * 1_000_000_000 + time.tv_nsec
    }

    /// Keeps the optimizer from leaving out what nobody looks at.
    @inline(never)
    private static func consume(_ value: some Any) {}
}

extension Message {
    /// Touches the decoded value.
    fileprivate var encodedSizeIsKnown: Bool { unknownFields.isEmpty }
}
