import Serving

/// An element as JSON writes it.
protocol ElementText: BitwiseCopyable {
    static var typeName: String { get }
    static func read(_ cursor: inout JSONCursor) throws(JSONProblem) -> Self
}

/// Half of an IEEE single: its upper sixteen bits.
struct BrainFloat: BitwiseCopyable {
    var bits: UInt16

    /// The nearest; ties go to the even one.
    init(_ value: Float) {
        let pattern = value.bitPattern
        if value.isNaN {
            bits = UInt16(truncatingIfNeeded: pattern >> 16) | 0x40
        } else {
            bits = UInt16(truncatingIfNeeded: (pattern &+ 0x7fff &+ (pattern >> 16 & 1)) >> 16)
        }
    }

    init(bits: UInt16) { self.bits = bits }

    var float: Float { Float(bitPattern: UInt32(bits) << 16) }
}

extension ElementText where Self: FixedWidthInteger {
    @inline(__always)
    static func read(_ cursor: inout JSONCursor) throws(JSONProblem) -> Self {
        let place = cursor.position
        let number = try cursor.number()
        guard let value = number.integer(Self.self) else {
            throw cursor.problem(
                "\(String(decoding: number.text, as: UTF8.self)) is no \(typeName)", at: place)
        }
        return value
    }
}

extension UInt8: ElementText { static var typeName: String { "UINT8" } }
extension UInt16: ElementText { static var typeName: String { "UINT16" } }
extension UInt32: ElementText { static var typeName: String { "UINT32" } }
extension UInt64: ElementText { static var typeName: String { "UINT64" } }
extension Int8: ElementText { static var typeName: String { "INT8" } }
extension Int16: ElementText { static var typeName: String { "INT16" } }
extension Int32: ElementText { static var typeName: String { "INT32" } }
extension Int64: ElementText { static var typeName: String { "INT64" } }

extension Float: ElementText {
    static var typeName: String { "FP32" }
    @inline(__always)
    static func read(_ cursor: inout JSONCursor) throws(JSONProblem) -> Float { try cursor.real().float }
}

extension Double: ElementText {
    static var typeName: String { "FP64" }
    @inline(__always)
    static func read(_ cursor: inout JSONCursor) throws(JSONProblem) -> Double { try cursor.real().double }
}

extension Float16: ElementText {
    static var typeName: String { "FP16" }
    static func read(_ cursor: inout JSONCursor) throws(JSONProblem) -> Float16 { Float16(try cursor.real().double) }
}

extension BrainFloat: ElementText {
    static var typeName: String { "BF16" }
    static func read(_ cursor: inout JSONCursor) throws(JSONProblem) -> BrainFloat {
        BrainFloat(try cursor.real().float)
    }
}

extension Bool: ElementText {
    static var typeName: String { "BOOL" }
    static func read(_ cursor: inout JSONCursor) throws(JSONProblem) -> Bool {
        switch cursor.peek() {
        case UInt8(ascii: "t"), UInt8(ascii: "f"): return try cursor.bool()
        default:
            let place = cursor.position
            guard let bit = try cursor.number().integer(UInt8.self), bit <= 1 else {
                throw cursor.problem("true, false, 0 or 1 is expected here", at: place)
            }
            return bit == 1
        }
    }
}

extension JSONCursor {
    /// A number that need not be finite: also `"NaN"` in quotes and `null`, as tools write where JSON has no number.
    @inline(__always)
    mutating func real() throws(JSONProblem) -> JSONNumber {
        if position < end, position.pointee &- UInt8(ascii: "0") < 10 { return try number() }
        return try unusualReal()
    }

    @inline(never)
    private mutating func unusualReal() throws(JSONProblem) -> JSONNumber {
        let place = position
        switch peek() {
        case UInt8(ascii: "n"):
            guard takeWord("null") else { throw found("a number is expected here") }
            return JSONNumber(special: .nan, text: UnsafeBufferPointer(start: place, count: position - place))
        case UInt8(ascii: "\""):
            let special: Double? =
                switch try string() {
                case "NaN", "nan": .nan
                case "Infinity", "inf": .infinity
                case "-Infinity", "-inf": -.infinity
                default: nil
                }
            guard let special else { throw problem("a number is expected here, not a string", at: place) }
            return JSONNumber(special: special, text: UnsafeBufferPointer(start: place, count: position - place))
        default: return try number()
        }
    }
}
