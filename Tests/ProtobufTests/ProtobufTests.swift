import Protobuf
import Testing

typealias Sample = Slipway.Test.V1.Sample

/// A sample with something in every kind of field.
func fullSample() -> Sample {
    var sample = Sample()
    sample.name = "näme"
    sample.count = -3
    sample.limit = 0
    sample.note = "a note that is longer than fifteen bytes"
    sample.stage = .inReview
    sample.blob = [1, 2, 255]
    sample.on = true
    sample.ratio = -0.0
    sample.weight = 1.5
    sample.zig = -7
    sample.zag = .min
    sample.fixed = 9
    sample.signedFixed = -9
    sample.big = .max
    sample.large = .min
    sample.numbers = [1, -1, 300, 70_000, .max, .min]
    sample.words = ["", "a", "b"]
    sample.tensor = [0, 1.25, -3]
    sample.loose = [5, 6]
    sample.parts = [.init(id: 1, label: "one"), .init()]
    sample.stages = [.draft, .withdrawn, .init(rawValue: 77)]
    sample.counts = ["a": 1, "b": 0]
    sample.byId = [7: .init(id: 7), -7: .init()]
    sample.flags = [true: "yes"]
    sample.blobs = ["x": [9]]
    sample.part = .init(id: 3)
    sample.parent = Sample()
    sample.parent?.name = "parent"
    sample.tree = .init(left: .init(tree: .init(weight: 3)), weight: 4)
    sample.choice = .piece(.init(id: 8, label: "p"))
    sample.doubles = [0.1, 1e300]
    sample.default = "d"
    sample.self_ = "s"
    sample.hashValue_ = 4
    sample.size = "size"
    sample.tag = "tag"
    return sample
}

@Suite("Binary format")
struct BinaryTests {
    @Test("a message with every kind of field reads back as it was")
    func roundTrip() throws {
        let sample = fullSample()
        let bytes = sample.serialized()
        #expect(bytes.count == sample.encodedSize)
        #expect(try Sample(serialized: bytes) == sample)
    }

    @Test("a prefix is left free in front of the message")
    func prefix() throws {
        let sample = fullSample()
        let bytes = sample.serialized(prefix: 5)
        #expect(bytes[..<5] == [0, 0, 0, 0, 0])
        #expect(try Sample(serialized: bytes[5...]) == sample)
    }

    @Test("bytes fields are windows of the decoded buffer")
    func noCopy() throws {
        var sample = Sample()
        sample.blob = [UInt8](repeating: 7, count: 1000)[...]
        let request = sample.serialized()
        let decoded = try Sample(serialized: request)
        let isInside = request.withUnsafeBytes { outer in
            decoded.blob.withUnsafeBytes { inner in
                guard let outer = outer.baseAddress, let inner = inner.baseAddress else { return false }
                return inner >= outer && inner < outer + request.count
            }
        }
        #expect(isInside)
    }
}
