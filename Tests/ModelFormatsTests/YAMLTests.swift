import TestKit
import Testing

import YAML

@testable import ModelFormats

@Suite("The part of YAML that is read")
struct YAMLTests {
    private func read(_ text: String) throws -> YAMLValue {
        try YAMLReader.read(Array(text.utf8), limits: RecognitionLimits())
    }

    @Test("maps, lists at the same depth as their name, and lists of maps")
    func structure() throws {
        let value = try read("---\na: 1\nb:\n- x\n- y: 2\n  z: ~\n-\n  - deep\nc:\n  d: 'it''s'\n")
        #expect(value["a"] == .text("1"))
        #expect(
            value["b"]
                == .list([
                    .text("x"), .map([YAMLEntry(name: "y", value: .text("2")), YAMLEntry(name: "z", value: .null)]),
                    .list([.text("deep")]),
                ]))
        #expect(value["c"]["d"].text == "it's")
    }

    @Test("quoted and plain texts go on over lines, block scalars keep or fold them")
    func texts() throws {
        #expect(try read("a: 'one\n  two\n\n  three'")["a"].text == "one two\nthree")
        #expect(try read(#"a: "x\ty\u00e9\"z""#)["a"].text == "x\tyé\"z")
        #expect(try read("a: one\n  two # not this\nb: 3")["a"].text == "one two")
        #expect(try read("a: |\n  one\n   two\n\n  three\nb: 1")["a"].text == "one\n two\n\nthree\n")
        #expect(try read("a: >-\n  one\n  two\n\n  three\n")["a"].text == "one two\nthree")
        #expect(try read("a: http://x:1/y#z")["a"].text == "http://x:1/y#z")
    }

    @Test("brackets nest and go on over lines")
    func flow() throws {
        let value = try read("a: [1, 'two, three', {b: c, \"d\": [ ]},\n  4]")
        #expect(value["a"].list.count == 4)
        #expect(value["a"].list[2]["d"] == .list([]))
    }

    @Test(
        "what is wrong is said with line and column",
        arguments: [
            ("a: 1\n b: 2", "line 2"), ("a: [1, 2", "bracket"), ("a: 'x", "closing quote"), ("a: &x 1", "anchors"),
            ("a: !tag x", "tags"), ("a: 1\na: 2", "given twice"), ("\ta: 1", "line 1, column 2: a tab"),
            ("a: 1\n---\nb: 2", "second document"), ("a: {x: 1, x: 2}", "twice"), ("a: x: y", "colon"),
        ])
    func errors(_ text: String, _ part: String) throws {
        let error = try #require(throws: FormatError.self) { try read(text) }
        #expect(error.message.contains(part), "\(error.message)")
        #expect(error.message.hasPrefix("line "))
    }

    @Test("deep nesting is refused, in brackets and in blocks")
    func deep() throws {
        for text in [
            String(repeating: "[", count: 100_000), String(repeating: "- ", count: 100_000),
            String(repeating: "{a: ", count: 100_000),
            (0..<5000).map { String(repeating: " ", count: $0) + "a:\n" }.joined(),
        ] {
            let error = try #require(throws: FormatError.self) { try read(text) }
            #expect(error.code == .limit)
        }
    }

    @Test("changed bytes of a real file are read or refused")
    func changed() throws {
        var random = SeededGenerator(seed: 3)
        let fixture = Fixture("mlflow-sklearn")
        let whole = try fixture.read("MLmodel", at: 0, count: 10_000)
        for _ in 0..<500 {
            var bytes = whole
            for _ in 0..<4 {
                bytes[Int.random(in: 0..<bytes.count, using: &random)] = UInt8.random(in: 9...127, using: &random)
            }
            _ = try recognise(["MLmodel": bytes])
        }
    }
}
