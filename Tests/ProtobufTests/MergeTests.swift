import Protobuf
import Testing

@Suite("Merging")
struct MergeTests {
    @Test("two occurrences of a message field are merged, of a scalar the last wins")
    func messages() throws {
        let first = Sample.with {
            $0.name = "first"
            $0.part = .init(id: 1)
            $0.parent = Sample.with { $0.count = 1 }
            $0.numbers = [1]
        }
        let second = Sample.with {
            $0.name = "second"
            $0.part = .init(label: "x")
            $0.parent = Sample.with { $0.name = "p" }
            $0.numbers = [2]
        }
        let merged = try Sample(serialized: first.serialized() + second.serialized())
        #expect(merged.name == "second")
        #expect(merged.part == .init(id: 1, label: "x"))
        #expect(merged.parent?.count == 1 && merged.parent?.name == "p")
        #expect(merged.numbers == [1, 2])
    }

    @Test("a oneof's message is merged with the same member and replaces another")
    func oneofs() throws {
        let text = Sample.with { $0.choice = .text("t") }.serialized()
        let one = Sample.with { $0.choice = .piece(.init(id: 1)) }.serialized()
        let two = Sample.with { $0.choice = .piece(.init(label: "l")) }.serialized()
        #expect(try Sample(serialized: text + one + two).choice == .piece(.init(id: 1, label: "l")))
        #expect(try Sample(serialized: one + text + two).choice == .piece(.init(label: "l")))
        #expect(try Sample(serialized: one + two + text).choice == .text("t"))
    }

    @Test("packed and unpacked numbers are read into either kind of field")
    func packing() throws {
        // Field 16 is packed and field 19 is not; each comes in the other form.
        let bytes: [UInt8] = [0x80, 0x01, 5, 0x80, 0x01, 6, 0x9a, 0x01, 2, 7, 8]
        let sample = try Sample(serialized: bytes)
        #expect(sample.numbers == [5, 6])
        #expect(sample.loose == [7, 8])
    }

    @Test("changing a copy leaves the original's embedded messages alone")
    func copies() {
        let original = Sample.with { $0.parent = Sample.with { $0.name = "a" } }
        var copy = original
        copy.parent?.name = "b"
        #expect(original.parent?.name == "a")
        #expect(copy.parent?.name == "b")
    }

    @Test("unknown fields are written again behind the known ones")
    func unknown() throws {
        let bytes: [UInt8] = [0xf8, 0x07, 1, 0x10, 5, 0xfa, 0x07, 2, 1, 2]
        let sample = try Sample(serialized: bytes)
        #expect(sample.count == 5)
        #expect(sample.serialized() == [0x10, 5, 0xf8, 0x07, 1, 0xfa, 0x07, 2, 1, 2])
        #expect(try sample.unknownFields.value(127, ProtoUInt64.self) == 1)
    }

    @Test("a known field of an unexpected wire type counts as unknown")
    func wireType() throws {
        let sample = try Sample(serialized: [0x12, 1, 7])
        #expect(sample.count == 0)
        #expect(sample.serialized() == [0x12, 1, 7])
    }
}

@Suite("Descriptors")
struct DescriptorTests {
    @Test("custom method options are readable from the embedded file")
    func options() throws {
        let file = try Google.Protobuf.FileDescriptorProto(serialized: Slipway.Test.V1.sampleFile.serialized)
        let method = try #require(file.service.first?.method.first)
        let options = try #require(method.options)
        #expect(options.idempotencyLevel == .noSideEffects)
        #expect(try options.access == .init(role: "reader", audited: true))
        #expect(try options.marks == [1, 2])
    }

    @Test("a file's closure holds every imported file once, imported ones first")
    func closure() {
        let names = Slipway.Test.V1.sampleFile.closure.map(\.name)
        #expect(Set(names).count == names.count)
        #expect(names.last == "sample.proto")
        #expect(names.contains("google/protobuf/descriptor.proto"))
        #expect(Slipway.Test.V1.sampleFile.symbols.contains("slipway.test.v1.Samples.Chat"))
    }

    @Test("enum numbers without a name are kept and described by their number")
    func enums() {
        #expect(Slipway.Test.V1.Stage(rawValue: 9).description == "9")
        #expect(Slipway.Test.V1.Stage.withdrawn.description == "STAGE_WITHDRAWN")
        #expect(Slipway.Test.V1.Stage(name: "STAGE_DRAFT") == .draft)
    }
}
