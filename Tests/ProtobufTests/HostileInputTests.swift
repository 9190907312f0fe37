import Protobuf
import Testing

@Suite("Hostile input")
struct HostileInputTests {
    @Test(
        "bytes that break the format are refused with the offset",
        arguments: [
            ([0x08, 0x80], ProtobufError.Code.truncated, 1),
            ([0x0a, 0x05, 0x61], .truncated, 2),
            ([0x0a, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f], .truncated, 10),
            ([0x0a, 0x01, 0xff], .invalidUTF8, 2),
            ([0x00], .malformed, 1),
            ([0x0e], .malformed, 1),
            ([0x0c], .malformed, 1),
            ([0x92, 0x01, 0x03, 0, 0, 0], .truncated, 3),
            ([0x3d, 0, 0], .truncated, 1),
            ([0x10, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01], .malformed, 1),
        ] as [([UInt8], ProtobufError.Code, Int)])
    func refusals(bytes: [UInt8], code: ProtobufError.Code, offset: Int) {
        let error = #expect(throws: ProtobufError.self) { try Sample(serialized: bytes) }
        #expect(error?.code == code)
        #expect(error?.offset == offset)
    }

    @Test("a hundred nested messages are read, a hundred and one are not")
    func depth() throws {
        func nested(_ count: Int) -> [UInt8] {
            var sample = Sample()
            for _ in 0..<count { sample = Sample.with { [inner = sample] in $0.parent = inner } }
            return sample.serialized()
        }
        _ = try Sample(serialized: nested(100))
        let error = #expect(throws: ProtobufError.self) { try Sample(serialized: nested(101)) }
        #expect(error?.code == .tooDeep)
    }

    @Test("unknown groups may be no deeper than messages")
    func groups() throws {
        let good = [UInt8](repeating: 0x83, count: 0) + group(depth: 100)
        let sample = try Sample(serialized: good)
        #expect(sample.serialized() == good)
        let error = #expect(throws: ProtobufError.self) { try Sample(serialized: group(depth: 101)) }
        #expect(error?.code == .tooDeep)
    }

    private func group(depth: Int) -> [UInt8] {
        // Field 100, start and end of a group.
        [[UInt8]](repeating: [0xa3, 0x06], count: depth).flatMap { $0 }
            + [[UInt8]](repeating: [0xa4, 0x06], count: depth).flatMap { $0 }
    }

    @Test("a group that ends with another number is refused")
    func mismatchedGroup() {
        #expect(throws: ProtobufError.self) { try Sample(serialized: [0xa3, 0x06, 0xac, 0x06]) }
    }

    @Test("a message over the size limit is refused")
    func size() {
        let error = #expect(throws: ProtobufError.self) {
            try Sample(serialized: [0x10, 0x01], limits: .init(sizeMax: 1))
        }
        #expect(error?.code == .tooLarge)
    }

    @Test("JSON nested deeper than the limit is refused")
    func deepJSON() {
        let text = String(repeating: #"{"parent":"#, count: 101) + "{}" + String(repeating: "}", count: 101)
        let error = #expect(throws: ProtobufError.self) { try Sample(json: text) }
        #expect(error?.code == .tooDeep)
    }
}
