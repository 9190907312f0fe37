import TestKit
import Testing

@testable import ModelFormats

@Suite("Documents and headers that lie")
struct DocumentTests {
    private let limits = RecognitionLimits()

    private func json(_ text: String) -> JSONScanner { JSONScanner(ByteCursor(Array(text.utf8)), limits: limits) }

    private func ubj(_ bytes: [UInt8]) -> UBJScanner { UBJScanner(ByteCursor(bytes), limits: limits) }

    @Test(
        "JSON that breaks the grammar is refused",
        arguments: [
            "", "{", "[1,]", "{\"a\"}", "{\"a\":1,}", "[1 2]", "nul", "01x", "\"\u{1}\"", "[}", "\"\\q\"", "-", "0x10",
            "\"\\ud800\\n\"",
        ])
    func malformedJSON(_ text: String) {
        #expect(throws: FormatError.self) { try json(text).skip() }
        #expect(throws: FormatError.self) {
            let document = json(text)
            _ = try document.list { try document.skip() }
        }
    }

    @Test("texts of JSON are unescaped, surrogate pairs together")
    func texts() throws {
        #expect(try json(#""a\u00e9\n\ud83d\ude00""#).text() == "aé\n😀")
        #expect(try json(#" {"a": [1, {"b": null}], "c": true} "#).scalar() == nil)
    }

    @Test("documents nested without an end are refused at the limit")
    func deep() throws {
        let nested = try #require(throws: FormatError.self) {
            try json(String(repeating: "[", count: 1_000_000)).skip()
        }
        #expect(nested.code == .limit)
        let lists = try #require(throws: FormatError.self) {
            try ubj([UInt8](repeating: UInt8(ascii: "["), count: 1_000_000)).skip()
        }
        #expect(lists.code == .limit)
    }

    @Test("counts of UBJ that claim more than there is end at once")
    func hugeCounts() throws {
        let count: [UInt8] = Array("#L".utf8) + [0x7f] + [UInt8](repeating: 0xff, count: 7)
        #expect(throws: FormatError.self) { try ubj(Array("[$D".utf8) + count).skip() }
        #expect(throws: FormatError.self) { try ubj(Array("[$d".utf8) + count).skip() }
        #expect(throws: FormatError.self) { try ubj(Array("[".utf8) + count).skip() }
        #expect(throws: FormatError.self) { try ubj(Array("{".utf8) + count).skip() }
        #expect(throws: FormatError.self) { try ubj(Array("SL".utf8) + count.dropFirst(2)).skip() }
        // Elements without bytes of their own: there may be any number, and none is looked at.
        try ubj(Array("[$Z".utf8) + count).skip()
        let list = ubj(Array("[$T".utf8) + count)
        #expect(try list.list {})
    }

    @Test("a negative count and an unknown marker of UBJ are refused")
    func negative() {
        #expect(throws: FormatError.self) { try ubj(Array("[#i".utf8) + [0x80]).skip() }
        #expect(throws: FormatError.self) { try ubj([0x00]).skip() }
        #expect(throws: FormatError.self) { try ubj(Array("[$i]".utf8)).skip() }
    }

    @Test("a large XGBoost model is read without reading its numbers")
    func largeUBJ() throws {
        let whole = try Fixture.bytes("trees.ubj")
        let place = try #require(whole.indices.first { whole[$0...].starts(with: Array("gradient_booster{".utf8)) })
        let count = 50_000_000
        var large = Array(whole[..<(place + 17)])
        large += [UInt8(ascii: "U"), 1, UInt8(ascii: "x")] + Array("[$d#l".utf8)
        large += [UInt8(count >> 24 & 255), UInt8(count >> 16 & 255), UInt8(count >> 8 & 255), UInt8(count & 255)]
        let tail = Array(whole[(place + 17)...])
        let files = SparseFiles(front: large, gap: count * 4, back: tail)
        let model = try ModelRecognizer.recognise(files)
        #expect(model.featureCount == 4)
        #expect(model.warnings == [])
        #expect(files.bytesRead < 200_000)
    }

    @Test("a safetensors header that is longer than the file, or places a tensor behind it, is refused")
    func safetensors() throws {
        let whole = try Fixture.bytes("weights.safetensors")
        #expect(try recognise(["a.safetensors": Array(whole.dropLast())]).codes == [.truncated])
        var lying = whole
        lying[5] = 1
        #expect(try recognise(["a.safetensors": lying]).codes == [.nameMismatch])
    }

    @Test("a reference of ONNX that leaves the folder is named")
    func outside() throws {
        let whole = try Fixture.bytes("by-hand.onnx")
        let place = try #require(whole.indices.first { whole[$0...].starts(with: Array("weights.bin".utf8)) })
        for name in ["../../x.bin", "/etc/passwd"] {
            var bytes = whole
            bytes.replaceSubrange(place..<place + 11, with: Array(name.utf8))
            #expect(try recognise(["a.onnx": bytes]).codes == [.outsideReference])
        }
    }

    @Test("every prefix of a real model is described or warned of, and never taken for a whole one")
    func prefixes() throws {
        for name in ["by-hand.onnx", "pipeline.onnx", "trees.ubj", "trees.json", "weights.safetensors"] {
            let whole = try Fixture.bytes(name)
            for count in stride(from: 0, to: whole.count, by: 11) {
                let model = try recognise([name: Array(whole[..<count])])
                #expect(model.format == .unknown || !model.warnings.isEmpty, "\(name) cut at \(count)")
            }
        }
    }

    @Test("changed bytes of real models never do more than warn")
    func changed() throws {
        var random = SeededGenerator(seed: 11)
        for name in ["by-hand.onnx", "trees.ubj", "trees.json", "trees.txt", "weights.safetensors", "script.pt"] {
            let whole = try Fixture.bytes(name)
            for _ in 0..<150 {
                var bytes = whole
                for _ in 0..<3 {
                    bytes[Int.random(in: 0..<bytes.count, using: &random)] = UInt8.random(in: 0...255, using: &random)
                }
                _ = try recognise([name: bytes])
            }
        }
    }
}

/// A file with a long stretch of noughts in its middle.
final class SparseFiles: ModelFiles {
    let paths = ["model.ubj"]
    private let front: [UInt8]
    private let gap: Int
    private let back: [UInt8]
    private(set) var bytesRead = 0

    init(front: [UInt8], gap: Int, back: [UInt8]) {
        self.front = front
        self.gap = gap
        self.back = back
    }

    func size(of path: String) -> Int { front.count + gap + back.count }

    func read(_ path: String, at offset: Int, count: Int) -> [UInt8] {
        bytesRead += count
        return (offset..<min(offset + count, size(of: path))).map { place in
            if place < front.count { return front[place] }
            return place < front.count + gap ? 0 : back[place - front.count - gap]
        }
    }
}
