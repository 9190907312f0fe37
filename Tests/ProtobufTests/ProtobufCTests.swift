import CProtobufC
import Glibc
import Protobuf
import ProtobufCSample
import TestKit
import Testing

typealias Exchange = Slipway.Exchange.V1.Exchange

/// libprotobuf-c as the second implementation: what either writes, the other reads, and writes again byte for byte.
@Suite("Against libprotobuf-c")
struct ProtobufCTests {
    /// Another seed may be given in the environment, to repeat what failed elsewhere.
    static let seed = environmentSeed() ?? UInt64.random(in: 0...UInt64(UInt32.max))

    @Test("random messages go through libprotobuf-c and come back byte for byte")
    func exchange() throws {
        print("PROTOBUF_SEED=\(Self.seed)")
        var random = SeededGenerator(seed: Self.seed)
        for index in 0..<2000 {
            let message = Exchange.random(&random, depth: 0)
            let bytes = message.serialized()
            let returned = try #require(rewriteWithC(bytes), "libprotobuf-c refuses message \(index) of \(Self.seed)")
            #expect(returned == bytes, "message \(index) of seed \(Self.seed)")
            #expect(try Exchange(serialized: returned) == message, "message \(index) of seed \(Self.seed)")
        }
    }

    @Test("unknown fields survive both implementations")
    func unknown() throws {
        let bytes: [UInt8] = [0x08, 5, 0xf8, 0x07, 1, 0xfa, 0x07, 2, 1, 2]
        #expect(try Exchange(serialized: bytes).serialized() == bytes)
        #expect(rewriteWithC(bytes) == bytes)
    }

    private func rewriteWithC(_ bytes: [UInt8]) -> [UInt8]? {
        guard let message = slipway__exchange__v1__exchange__unpack(nil, bytes.count, bytes) else { return nil }
        defer { slipway__exchange__v1__exchange__free_unpacked(message, nil) }
        let size = slipway__exchange__v1__exchange__get_packed_size(message)
        return [UInt8](unsafeUninitializedCapacity: size) { buffer, count in
            count = slipway__exchange__v1__exchange__pack(message, buffer.baseAddress)
        }
    }
}

private func environmentSeed() -> UInt64? {
    guard let text = getenv("PROTOBUF_SEED") else { return nil }
    return UInt64(String(cString: text))
}

extension Slipway.Exchange.V1.Exchange {
    fileprivate static func random(_ random: inout SeededGenerator, depth: Int) -> Self {
        var message = Self()
        func chance() -> Bool { random.next() % 2 == 0 }
        func bits() -> UInt64 { random.next() >> (random.next() % 64) }
        func text() -> String {
            String((0..<random.next() % 20).map { _ in "aZ0 äß漢😁\n".randomElement(using: &random) ?? "x" })
        }
        func blob() -> Bytes { (0..<random.next() % 30).map { _ in UInt8(truncatingIfNeeded: random.next()) }[...] }
        func some<T>(_ make: () -> T) -> [T] { (0..<random.next() % 5).map { _ in make() } }
        func color() -> Slipway.Exchange.V1.Color { .init(rawValue: [0, 1, 2, -5, 99][Int(random.next() % 5)]) }
        func leaf() -> Slipway.Exchange.V1.Leaf { .init(label: text(), value: Int64(bitPattern: bits())) }

        if chance() { message.aInt32 = Int32(truncatingIfNeeded: bits()) }
        if chance() { message.aInt64 = Int64(bitPattern: bits()) }
        if chance() { message.aUint32 = UInt32(truncatingIfNeeded: bits()) }
        if chance() { message.aUint64 = bits() }
        if chance() { message.aSint32 = Int32(truncatingIfNeeded: bits()) }
        if chance() { message.aSint64 = Int64(bitPattern: random.next()) }
        if chance() { message.aFixed32 = UInt32(truncatingIfNeeded: bits()) }
        if chance() { message.aFixed64 = bits() }
        if chance() { message.aSfixed32 = Int32(truncatingIfNeeded: bits()) }
        if chance() { message.aSfixed64 = Int64(bitPattern: bits()) }
        // No negative zero: libprotobuf-c takes it for the default.
        if chance() { message.aFloat = Float(bits() >> 40) / 8 }
        if chance() { message.aDouble = Double(bits()) / 1e9 }
        message.aBool = chance()
        message.aString = text()
        message.aBytes = blob()
        message.aColor = color()
        if chance() { message.aLeaf = leaf() }
        message.int32s = some { Int32(truncatingIfNeeded: bits()) }
        message.sint64s = some { Int64(bitPattern: bits()) }
        message.fixed32s = some { UInt32(truncatingIfNeeded: bits()) }
        message.doubles = some { Double(bits()) * -0.5 }
        message.bools = some(chance)
        message.strings = some(text)
        message.blobs = some(blob)
        message.colors = some(color)
        message.leaves = some(leaf)
        message.unpacked = some(bits)
        // Nor defaults in maps: libprotobuf-c leaves them out of an entry, where Google's libraries and ours write them.
        message.counts = Dictionary(
            some { ("k" + text(), Int32(truncatingIfNeeded: bits()) | 1) }, uniquingKeysWith: { $1 })
        message.byNumber = Dictionary(
            some { (UInt32(truncatingIfNeeded: bits()) | 1, leaf()) }, uniquingKeysWith: { $1 })
        switch random.next() % 4 {
        case 0: message.choice = .text(text())
        case 1: message.choice = .number(UInt32(truncatingIfNeeded: bits()))
        case 2: message.choice = .leaf(leaf())
        default: break
        }
        if depth < 3, chance() { message.next = Self.random(&random, depth: depth + 1) }
        return message
    }
}
