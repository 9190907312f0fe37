import Protobuf
import ScorerFakes
import Serving
import Testing

@testable import ScorerCore

private func tensor(_ text: String, _ datatype: Datatype) throws -> TensorText {
    try JSONCursor.read(Array(text.utf8)[...]) { cursor throws(JSONProblem) in try cursor.tensor(datatype) }
}

private func defect(_ text: String, _ datatype: Datatype = .fp32) -> JSONProblem? {
    do throws(JSONProblem) {
        _ = try JSONCursor.read(Array(text.utf8)[...]) { cursor throws(JSONProblem) in try cursor.tensor(datatype) }
        return nil
    } catch { return error }
}

@Suite("tensors in JSON") struct JSONTests {
    @Test("numbers in nested lists become elements row by row, and the lists' lengths a shape")
    func nested() throws {
        let read = try tensor("[[1, 2.5],\n [-3e2, 0]\t, [4,5]]", .fp32)
        #expect(Models.floats(read.contents) == [1, 2.5, -300, 0, 4, 5])
        #expect(read.extents == [3, 2])
        #expect(read.count == 6)
        #expect(try tensor("7", .int8).extents == [])
        #expect(try tensor("[]", .int8).extents == [0])
        #expect(try tensor("[[],[]]", .int8).extents == [2, 0])
    }

    @Test("every float and double that is written is the one that is read")
    func roundTrip() throws {
        var generator = SystemRandomNumberGenerator()
        for _ in 0..<20_000 {
            let double = Double(bitPattern: generator.next())
            let float = Float(bitPattern: generator.next())
            guard double.isFinite, float.isFinite else { continue }
            var output = JSONOutput()
            output.list([0]) { output, _ in output.number(double) }
            let back = try tensor(String(decoding: output.bytes, as: UTF8.self), .fp64)
            #expect(Models.numbers(back.contents, Double.self)[0].bitPattern == double.bitPattern)
            var single = JSONOutput()
            single.number(float)
            let again = try tensor(String(decoding: single.bytes, as: UTF8.self), .fp32)
            #expect(Models.floats(again.contents)[0].bitPattern == float.bitPattern)
        }
    }

    @Test(
        "a number is read as the nearest there is, as the standard library does",
        arguments: [
            "0.1", "1e22", "1e23", "123456789012345678901234567890", "0.30000000000000004", "4.9e-324", "1e-400",
            "1e400",
            "179769313486231570000000000000000000000", "9007199254740993", "1.00000005960464477",
            "0.000000000000000001",
            "1.00000017881393432617187499", "7.038531e-26", "3.4028235677973366e38", "-0.0", "18446744073709551615",
            "18446744073709551616.5", "18446744073709551617", "1844674407370955161793", "0.1844674407370955161793",
        ])
    func nearest(text: String) throws {
        let double = Models.numbers(try tensor(text, .fp64).contents, Double.self)[0]
        #expect(double.bitPattern == Double(text)?.bitPattern)
        let float = Models.floats(try tensor(text, .fp32).contents)[0]
        #expect(float.bitPattern == Float(text)?.bitPattern)
    }

    @Test("integers keep all of their 64 bits, and whole numbers may be written with a point or an exponent")
    func integers() throws {
        let text = "[9223372036854775807, -9223372036854775808, 3.0, 12e2, -0, 150e-1]"
        let read = try tensor(text, .int64)
        #expect(Models.numbers(read.contents, Int64.self) == [.max, .min, 3, 1200, 0, 15])
        let unsigned = try tensor("[18446744073709551615, 0]", .uint64)
        #expect(Models.numbers(unsigned.contents, UInt64.self) == [.max, 0])
    }

    @Test(
        "an integer that its type can't hold is refused at its place",
        arguments: [
            ("[1, 128]", Datatype.int8, 4), ("[-1]", .uint8, 1), ("[1.5]", .int32, 1),
            ("[18446744073709551616]", .uint64, 1), ("[9223372036854775808]", .int64, 1), ("[NaN]", .int16, 1),
            ("[1e99]", .int64, 1),
        ])
    func integersOutOfRange(text: String, datatype: Datatype, offset: Int) {
        #expect(defect(text, datatype)?.offset == offset)
    }

    @Test("what is no number is taken as Python, Java and pandas write it")
    func specials() throws {
        let read = Models.floats(try tensor(#"[NaN, Infinity, -Infinity, "NaN", "-Infinity", null]"#, .fp32).contents)
        #expect(read[0].isNaN && read[3].isNaN && read[5].isNaN)
        #expect(read[1] == .infinity && read[2] == -.infinity && read[4] == -.infinity)
        var output = JSONOutput()
        output.list([Double.nan, .infinity, -.infinity, -0.0, 1e16, 3]) { $0.number($1) }
        #expect(String(decoding: output.bytes, as: UTF8.self) == "[NaN,Infinity,-Infinity,-0.0,1e+16,3.0]")
    }

    @Test("half precision is rounded to the nearest, ties to the even one")
    func halves() throws {
        #expect(
            Models.numbers(try tensor("[65504, 0.1, 1e9]", .fp16).contents, UInt16.self) == [0x7bff, 0x2e66, 0x7c00])
        #expect(
            Models.numbers(try tensor("[1, 1.00390625, 1.01171875, NaN]", .bf16).contents, UInt16.self) == [
                0x3f80, 0x3f80, 0x3f82, 0x7fc0,
            ])
    }

    @Test("texts are unescaped, and stand behind their length")
    func texts() throws {
        let read = try tensor(#"["a\"\\\/\b\f\n\r\t", "\u00e9\ud83d\ude00é", ""]"#, .bytes)
        let tensor = Tensor(name: "", datatype: .bytes, shape: [3], contents: read.contents)
        #expect(FakeServing.texts(tensor) == ["a\"\\/\u{8}\u{c}\n\r\t", "é😀é", ""])
    }

    @Test(
        "text that is no JSON is refused with what was wanted and where",
        arguments: [
            ("", 0, "empty"), ("[1, 2", 5, "the text ends"), ("[1, x]", 4, "'x'"), ("[01]", 1, "zero"),
            ("[1.]", 3, "digit"), ("[1e]", 3, "digit"), ("[1] 2", 4, "follows"), ("[1 2]", 3, "','"),
            ("[1,]", 3, "a number"), ("[\"a\"]", 1, "string"), ("{}", 0, "an object"), ("[tru]", 1, "true"),
            ("[-]", 2, "a number"), ("[\n\n  nul]", 5, "null"),
        ])
    func damaged(text: String, offset: Int, part: String) throws {
        let problem = try #require(defect(text))
        #expect(problem.offset == offset)
        #expect(problem.description.contains(part), "\(problem)")
    }

    @Test(
        "a damaged string is refused",
        arguments: [#"["a"#, #"["\x"]"#, #"["\u12"]"#, #"["\ud83d"]"#, #"["\ud83dx"]"#, #"["\ude00"]"#, "[\"\u{1}\"]"])
    func damagedStrings(text: String) { #expect(defect(text, .bytes) != nil) }

    @Test("a problem says its line and column")
    func position() throws {
        let problem = try #require(defect("[\n 1,\n  ?]"))
        #expect((problem.line, problem.column, problem.offset) == (3, 3, 8))
        #expect("\(problem)".hasSuffix("(line 3, column 3, byte 8)"))
    }

    @Test(
        "lists that are nested unevenly are refused",
        arguments: ["[[1],[1,2]]", "[[1],2]", "[1,[2]]", "[[[1]],[2]]", "[[[1]],[[2],[3]]]", "[[],[1]]"])
    func ragged(text: String) { #expect(defect(text) != nil) }

    @Test("lists that are nested too deeply are refused before they cost anything")
    func deep() throws {
        let text = String(repeating: "[", count: 100_000)
        #expect(try #require(defect(text)).reason.contains("deeper"))
        #expect(throws: JSONProblem.self) {
            _ = try JSONCursor.read(Array(text.utf8)[...]) { cursor throws(JSONProblem) in try cursor.skip() }
        }
    }

    @Test("a tree that is read and written is the same text, numbers digit by digit")
    func trees() throws {
        let text = #"{"a":[1,-2.50,1e400,NaN],"b":{"c":null,"d":true},"e":"\"\n"}"#
        let tree = try JSONCursor.read(Array(text.utf8)[...]) { cursor throws(JSONProblem) in try cursor.tree() }
        #expect(String(decoding: tree.bytes, as: UTF8.self) == text)
    }
}
