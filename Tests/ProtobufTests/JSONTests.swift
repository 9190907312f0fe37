import Protobuf
import TestKit
import Testing

@Suite("JSON mapping")
struct JSONTests {
    @Test("a message with every kind of field reads back as it was")
    func roundTrip() throws {
        var sample = fullSample()
        sample.at = .init(seconds: 1_709_209_800, nanos: 500_000_000)
        sample.took = .init(seconds: -1, nanos: -1)
        sample.mask = .init(paths: ["a_b.c", "d"])
        sample.wrapped = .init(value: 5)
        sample.wrappedText = .init(value: "")
        sample.any = .init(Sample.Part(id: 4))
        sample.value = .init(kind: .nullValue(.nullValue))
        sample.list = [.init(kind: .nullValue(.nullValue)), .init(kind: .boolValue(true))]
        sample.meta = .init(fields: ["x": .init(kind: .listValue(.init(values: [.init(kind: .numberValue(1))])))])
        let registry = TypeRegistry([Slipway.Test.V1.sampleFile])
        let text = try sample.jsonString(options: .init(registry: registry))
        #expect(text.contains(#""at":"2024-02-29T12:30:00.500Z""#))
        #expect(text.contains(#""took":"-1.000000001s""#))
        #expect(text.contains(#""mask":"aB.c,d""#))
        let decoded = try Sample(json: text, options: .init(registry: registry))
        #expect(decoded == sample)
    }

    @Test(
        "text that breaks a rule is refused with the path and the offset",
        arguments: [
            (#"{"count": 2147483648}"#, ProtobufError.Code.outOfRange, "count", 10),
            (#"{"parts": [{}, {"id": "x"}]}"#, .invalidValue, "parts[1].id", 22),
            (#"{"byId": {"7": {"label": 1}}}"#, .invalidValue, #"byId["7"].label"#, 25),
            (#"{"nonsense": 1}"#, .unknownField, "", 12),
            (#"{"name": "a", "name": "b"}"#, .duplicateField, "name", 21),
            (#"{"text": "a", "index": 1}"#, .duplicateField, "index", 23),
            (#"{"name": "\ud800"}"#, .malformed, "name", 16),
            (#"{"name": "a""#, .truncated, "", 12),
            (#"{"numbers": [1,]}"#, .invalidValue, "numbers[1]", 15),
            (#"{"ratio": NaN}"#, .invalidValue, "ratio", 10),
            (#"{"stage": "STAGE_NONE"}"#, .invalidValue, "stage", 22),
        ])
    func refusals(text: String, code: ProtobufError.Code, path: String, offset: Int) {
        let error = #expect(throws: ProtobufError.self) { try Sample(json: text) }
        #expect(error?.code == code)
        #expect(error?.path == path)
        #expect(error?.offset == offset)
    }

    @Test("unknown fields and enum names are passed over when the options say so")
    func ignoring() throws {
        let text = #"{"x": {"y": [1, null]}, "stage": "NEW", "stages": ["NEW", 1], "name": "n"}"#
        let sample = try Sample(json: text, options: .init(ignoresUnknownFields: true))
        #expect(
            sample
                == Sample.with {
                    $0.name = "n"; $0.stages = [.draft]
                })
    }

    @Test("null leaves a field as it is, and is a value of Value")
    func nulls() throws {
        let sample = try Sample(json: #"{"name":null,"parts":null,"value":null,"text":null,"index":3,"wrapped":null}"#)
        #expect(sample.value == .init(kind: .nullValue(.nullValue)))
        #expect(sample.choice == .index(3))
        #expect(sample.wrapped == nil)
    }

    @Test("doubles read exactly as the C library reads them", arguments: [UInt64(1), 2, 3])
    func doubles(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        for _ in 0..<5000 {
            var value = Double(bitPattern: random.next())
            if !value.isFinite { continue }
            if random.next() % 2 == 0 { value = Double(Int64(bitPattern: random.next()) >> 20) / 1e6 }
            #expect(try Sample(json: "{\"ratio\":\(value)}").ratio == value)
            let float = Float(bitPattern: UInt32(truncatingIfNeeded: random.next()))
            if float.isFinite { #expect(try Sample(json: "{\"weight\":\(float)}").weight == float) }
        }
    }
}

extension Message {
    static func with(_ body: (inout Self) -> Void) -> Self {
        var value = Self()
        body(&value)
        return value
    }
}
