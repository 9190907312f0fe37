/// A pull parser over JSON text in UTF-8. It is strict: no comments, no trailing commas, no bare NaN. Valid only inside
/// the call that lent it.
public struct JSONReader {
    var position: UnsafePointer<UInt8>
    let end: UnsafePointer<UInt8>
    private let start: UnsafePointer<UInt8>
    private var depthLeft: Int
    public let options: JSONDecodingOptions

    /// The buffer has to outlive the reader.
    init(_ buffer: UnsafeBufferPointer<UInt8>, options: JSONDecodingOptions) {
        // An empty buffer may have no address; any pointer stands for it, since nothing is read.
        let base = buffer.baseAddress ?? UnsafePointer(Self.nowhere)
        start = base
        position = base
        end = base + buffer.count
        depthLeft = options.depthMax
        self.options = options
    }

    /// Reads one JSON value, behind which nothing but white space may follow.
    ///
    /// - Throws: ``ProtobufError`` when there is more, and what `body` throws.
    public static func read<Result>(
        _ bytes: Bytes, options: JSONDecodingOptions = JSONDecodingOptions(),
        _ body: (inout JSONReader) throws -> Result
    ) throws -> Result {
        try bytes.withUnsafeBufferPointer { buffer in
            var reader = JSONReader(buffer, options: options)
            let result = try body(&reader)
            try reader.finish()
            return result
        }
    }

    private nonisolated(unsafe) static let nowhere = UnsafeMutablePointer<UInt8>.allocate(capacity: 1)

    @inline(__always)
    mutating func skipSpace() {
        while position < end {
            let byte = position.pointee
            guard byte <= 0x20, byte == 0x20 || byte == 0x0a || byte == 0x0d || byte == 0x09 else { return }
            position += 1
        }
    }

    /// The first byte of the next value, which stays unread.
    public mutating func peek() throws -> UInt8 {
        skipSpace()
        guard position < end else { throw failure(.truncated, "the JSON text ends too early") }
        return position.pointee
    }

    @inline(__always)
    mutating func expect(_ byte: UInt8) throws {
        guard try peek() == byte else {
            throw failure(.malformed, "\"\(Character(Unicode.Scalar(byte)))\" is expected here")
        }
        position += 1
    }

    mutating func take(_ byte: UInt8) throws -> Bool {
        guard try peek() == byte else { return false }
        position += 1
        return true
    }

    /// Nothing but white space may follow the value.
    mutating func finish() throws {
        skipSpace()
        guard position == end else { throw failure(.malformed, "more text follows the JSON value") }
    }

    public func failure(_ code: ProtobufError.Code, _ reason: String) -> ProtobufError {
        ProtobufError(code, reason, offset: position - start)
    }

    private mutating func literal(_ text: StaticString) -> Bool {
        let count = text.utf8CodeUnitCount
        guard end - position >= count else { return false }
        for index in 0..<count where position[index] != text.utf8Start[index] { return false }
        position += count
        return true
    }

    public mutating func null() throws {
        skipSpace()
        guard literal("null") else { throw failure(.malformed, "null is expected here") }
    }

    /// Takes a null if one is next.
    public mutating func takeNull() throws -> Bool {
        guard try peek() == UInt8(ascii: "n") else { return false }
        try null()
        return true
    }

    public mutating func boolean() throws -> Bool {
        skipSpace()
        if literal("true") { return true }
        if literal("false") { return false }
        throw failure(.invalidValue, "true or false is expected here")
    }

    private mutating func descend() throws {
        guard depthLeft > 0 else { throw failure(.tooDeep, "values are nested too deeply") }
        depthLeft -= 1
    }

    /// Calls `body` at each element of an array.
    public mutating func elements(_ body: (inout JSONReader) throws -> Void) throws {
        guard try peek() == UInt8(ascii: "[") else { throw failure(.invalidValue, "an array is expected here") }
        position += 1
        try descend()
        var index = 0
        if try !take(UInt8(ascii: "]")) {
            repeat {
                do { try body(&self) } catch let error as ProtobufError { throw error.inside("[\(index)]") }
                index += 1
            } while try separator(closing: UInt8(ascii: "]"))
        }
        depthLeft += 1
    }

    /// Calls `body` at the value of each member of an object; names are unique.
    public mutating func members(_ body: (String, inout JSONReader) throws -> Void) throws {
        guard try peek() == UInt8(ascii: "{") else { throw failure(.invalidValue, "an object is expected here") }
        position += 1
        try descend()
        if try !take(UInt8(ascii: "}")) {
            repeat {
                let name = try string()
                try expect(UInt8(ascii: ":"))
                try body(name, &self)
            } while try separator(closing: UInt8(ascii: "}"))
        }
        depthLeft += 1
    }

    /// True after a comma, false after the closing bracket.
    @inline(__always)
    private mutating func separator(closing: UInt8) throws -> Bool {
        let byte = try peek()
        position += 1
        if byte == UInt8(ascii: ",") { return true }
        if byte == closing { return false }
        position -= 1
        throw failure(.malformed, "a comma or the closing bracket is expected here")
    }

    /// Passes over one value of any type, which still has to be well-formed.
    public mutating func skipValue() throws {
        switch try peek() {
        case UInt8(ascii: "{"): try members { _, json in try json.skipValue() }
        case UInt8(ascii: "["): try elements { json in try json.skipValue() }
        case UInt8(ascii: "\""): _ = try string()
        case UInt8(ascii: "t"), UInt8(ascii: "f"): _ = try boolean()
        case UInt8(ascii: "n"): try null()
        default: _ = try number()
        }
    }
}
