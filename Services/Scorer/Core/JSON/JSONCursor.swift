import Protobuf

/// Reads JSON where it lies, one value at a time, as it is asked for: nothing is built that nobody wants.
///
/// Beside JSON it takes `NaN`, `Infinity` and `-Infinity`, which Python writes. Valid only inside the call that lent it.
struct JSONCursor {
    /// How deep arrays and objects may be nested.
    static let depthMax = 64

    let start: UnsafePointer<UInt8>
    let end: UnsafePointer<UInt8>
    var position: UnsafePointer<UInt8>
    private var depth = 0

    private init(_ text: UnsafeBufferPointer<UInt8>, _ base: UnsafePointer<UInt8>) {
        start = base
        end = base + text.count
        position = base
    }

    /// Lends a cursor over the text.
    /// - Throws: what `body` throws, and where it leaves anything but space behind.
    static func read<Result>(
        _ bytes: Bytes, _ body: (inout JSONCursor) throws(JSONProblem) -> Result
    ) throws(JSONProblem) -> Result {
        // A closure of the standard library can't say what it throws.
        let outcome = bytes.withUnsafeBufferPointer { text -> Swift.Result<Result, JSONProblem> in
            guard let base = text.baseAddress, text.count > 0 else {
                return .failure(JSONProblem("there is no JSON: the text is empty", at: 0, in: text))
            }
            var cursor = JSONCursor(text, base)
            do throws(JSONProblem) {
                let result = try body(&cursor)
                cursor.skipSpace()
                guard cursor.position == cursor.end else {
                    throw cursor.problem("something follows the end of the JSON text")
                }
                return .success(result)
            } catch { return .failure(error) }
        }
        return try outcome.get()
    }

    var offset: Int { position - start }

    /// What is wrong at the place that was reached, or at another.
    @inline(never)
    func problem(_ reason: String, at place: UnsafePointer<UInt8>? = nil) -> JSONProblem {
        JSONProblem(
            reason, at: (place ?? position) - start, in: UnsafeBufferPointer(start: start, count: end - start))
    }

    // MARK: between values

    @inline(__always)
    mutating func skipSpace() {
        while position < end, position.pointee <= 0x20 {
            switch position.pointee {
            case 0x20, 0x09, 0x0a, 0x0d: position += 1
            default: return
            }
        }
    }

    /// The first byte of the next value or sign; 0 at the end.
    @inline(__always)
    mutating func peek() -> UInt8 {
        skipSpace()
        return position < end ? position.pointee : 0
    }

    /// Takes a sign if it comes next.
    @inline(__always)
    mutating func take(_ byte: UInt8) -> Bool {
        guard peek() == byte, position < end else { return false }
        position += 1
        return true
    }

    mutating func expect(_ byte: UInt8, _ what: String) throws(JSONProblem) {
        guard take(byte) else { throw found("\(what) is expected here") }
    }

    /// Takes a word such as `true` if it comes next.
    mutating func takeWord(_ word: StaticString) -> Bool {
        skipSpace()
        guard end - position >= word.utf8CodeUnitCount else { return false }
        for index in 0..<word.utf8CodeUnitCount where position[index] != word.utf8Start[index] { return false }
        position += word.utf8CodeUnitCount
        return true
    }

    /// A problem that also says what stands here instead.
    mutating func found(_ wanted: String) -> JSONProblem {
        let what =
            switch peek() {
            case _ where position == end: "the text ends"
            case UInt8(ascii: "{"): "an object"
            case UInt8(ascii: "["): "a list"
            case UInt8(ascii: "\""): "a string"
            case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): "a number"
            case UInt8(ascii: "t"), UInt8(ascii: "f"): "true or false"
            case UInt8(ascii: "n"): "null"
            case let byte where byte > 0x20 && byte < 0x7f: "'\(Character(UnicodeScalar(byte)))'"
            case let byte: "byte \(byte)"
            }
        return problem("\(wanted), not \(what)")
    }

    // MARK: objects and arrays

    mutating func descend() throws(JSONProblem) {
        guard depth < JSONCursor.depthMax else { throw problem("nested deeper than \(JSONCursor.depthMax) levels") }
        depth += 1
    }

    mutating func ascend() { depth -= 1 }

    /// Reads an object; `member` has to take each member's value.
    mutating func object(
        _ member: (inout JSONCursor, String) throws(JSONProblem) -> Void
    ) throws(JSONProblem) {
        try expect(UInt8(ascii: "{"), "an object")
        try descend()
        if !take(UInt8(ascii: "}")) {
            repeat {
                guard peek() == UInt8(ascii: "\"") else { throw found("a member's name in quotes is expected here") }
                let name = try string()
                try expect(UInt8(ascii: ":"), "':'")
                try member(&self, name)
            } while take(UInt8(ascii: ","))
            try expect(UInt8(ascii: "}"), "',' or '}'")
        }
        ascend()
    }

    /// Reads an array; `element` has to take each element.
    mutating func array(_ element: (inout JSONCursor, Int) throws(JSONProblem) -> Void) throws(JSONProblem) {
        try expect(UInt8(ascii: "["), "a list")
        try descend()
        var index = 0
        if !take(UInt8(ascii: "]")) {
            repeat {
                try element(&self, index)
                index += 1
            } while take(UInt8(ascii: ","))
            try expect(UInt8(ascii: "]"), "',' or ']'")
        }
        ascend()
    }

    mutating func bool() throws(JSONProblem) -> Bool {
        if takeWord("true") { return true }
        if takeWord("false") { return false }
        throw found("true or false is expected here")
    }

    /// Passes over one value of whatever kind, and sees that it is one.
    mutating func skip() throws(JSONProblem) {
        switch peek() {
        case UInt8(ascii: "{"): try object { cursor, _ throws(JSONProblem) in try cursor.skip() }
        case UInt8(ascii: "["): try array { cursor, _ throws(JSONProblem) in try cursor.skip() }
        case UInt8(ascii: "\""): try skipString()
        case UInt8(ascii: "t"), UInt8(ascii: "f"): _ = try bool()
        case UInt8(ascii: "n"):
            guard takeWord("null") else { throw found("a value is expected here") }
        default: _ = try number()
        }
    }

    /// Goes back to a place that was passed over, and forward again when `body` is done.
    mutating func revisit<Result>(
        _ offset: Int, _ body: (inout JSONCursor) throws(JSONProblem) -> Result
    ) throws(JSONProblem) -> Result {
        let here = position
        position = start + offset
        defer { position = here }
        return try body(&self)
    }
}
