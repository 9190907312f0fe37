/// A number as it was written: `mantissa` · 10^`exponent`, unless digits had to be left out.
struct ScannedNumber {
    var isNegative = false
    var mantissa: UInt64 = 0
    var exponent = 0
    /// The number has more digits than `mantissa` can hold, and some of those left out are not zero.
    var isCut = false
    var text: UnsafeBufferPointer<UInt8>

    /// The magnitude as an integer, or nil when it is none or too large.
    var integer: UInt64? {
        if isCut { return nil }
        var value = mantissa
        if value == 0 { return 0 }
        var exponent = exponent
        while exponent < 0 {
            let (quotient, remainder) = value.quotientAndRemainder(dividingBy: 10)
            guard remainder == 0 else { return nil }
            value = quotient
            exponent += 1
        }
        while exponent > 0 {
            let (product, overflow) = value.multipliedReportingOverflow(by: 10)
            guard !overflow else { return nil }
            value = product
            exponent -= 1
        }
        return value
    }

    /// The nearest double; infinite when the number is out of range.
    @inline(__always)
    var double: Double {
        if !isCut, exponent >= -22, exponent <= 22, mantissa <= 1 << 53 {
            // Both factors are exact, so the one rounding is the right one.
            let power = exactPowers[exponent.magnitude.asInt]
            let value = exponent < 0 ? Double(mantissa) / power : Double(mantissa) * power
            return isNegative ? -value : value
        }
        return slowDouble
    }

    @inline(never)
    private var slowDouble: Double {
        #if arch(x86_64)
            if !isCut, exponent >= -27, exponent <= 27 {
                // Both factors are exact in 64 bits of significand. Rounding twice can only go wrong when the first
                // result lies right beside the middle of two doubles.
                let power = exactWidePowers[exponent.magnitude.asInt]
                let wide = exponent < 0 ? Float80(mantissa) / power : Float80(mantissa) * power
                let tail = wide.significandBitPattern & 0x7ff
                if tail < 0x3ff || tail > 0x401 {
                    let value = Double(wide)
                    return isNegative ? -value : value
                }
            }
        #endif
        return Double(String(decoding: text, as: UTF8.self)) ?? .nan
    }

    @inline(__always)
    var float: Float {
        let double = double
        let value = Float(double)
        // A double in the middle of two floats may have been rounded to there.
        if double.bitPattern & 0x1fff_ffff == 0x1000_0000 || (value.isSubnormal || value.isZero) && mantissa != 0 {
            return Float(String(decoding: text, as: UTF8.self)) ?? .nan
        }
        return value
    }
}

extension UInt {
    @inline(__always) fileprivate var asInt: Int { Int(truncatingIfNeeded: self) }
}

private let exactPowers: [Double] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20,
    1e21, 1e22,
]

#if arch(x86_64)
    private let exactWidePowers: [Float80] = (0...27).map { exponent in
        (0..<exponent).reduce(1) { power, _ in power * 10 }
    }
#endif

extension JSONReader {
    @inline(__always)
    mutating func number() throws -> ScannedNumber {
        skipSpace()
        let first = position
        var cursor = position
        var number = ScannedNumber(text: UnsafeBufferPointer(start: first, count: 0))
        if cursor < end, cursor.pointee == UInt8(ascii: "-") {
            number.isNegative = true
            cursor += 1
        }
        let digits = cursor
        while cursor < end, let digit = Self.digit(cursor.pointee) {
            if !number.append(digit) { number.exponent += 1 }
            cursor += 1
        }
        guard cursor > digits else { throw failure(.invalidValue, "a number is expected here") }
        guard digits.pointee != UInt8(ascii: "0") || cursor == digits + 1 else {
            throw failure(.malformed, "a number may not begin with a zero")
        }
        if cursor < end, cursor.pointee == UInt8(ascii: ".") {
            cursor += 1
            let fraction = cursor
            while end - cursor >= 8, number.mantissa < 10_000_000_000, let eight = Self.eightDigits(cursor) {
                number.mantissa = number.mantissa &* 100_000_000 &+ eight
                number.exponent -= 8
                cursor += 8
            }
            while cursor < end, let digit = Self.digit(cursor.pointee) {
                if number.append(digit) { number.exponent -= 1 }
                cursor += 1
            }
            guard cursor > fraction else { throw failure(.malformed, "a digit has to follow the decimal point") }
        }
        if cursor < end, cursor.pointee | 0x20 == UInt8(ascii: "e") {
            cursor += 1
            number.exponent += try exponent(&cursor)
        }
        position = cursor
        number.text = UnsafeBufferPointer(start: first, count: cursor - first)
        return number
    }

    @inline(__always)
    private static func digit(_ byte: UInt8) -> UInt64? {
        let digit = byte &- UInt8(ascii: "0")
        return digit < 10 ? UInt64(truncatingIfNeeded: digit) : nil
    }

    /// The number that eight digits make, all at once; nil when there is anything else among the eight bytes.
    @inline(__always)
    private static func eightDigits(_ start: UnsafePointer<UInt8>) -> UInt64? {
        let bytes = UInt64(littleEndian: UnsafeRawPointer(start).loadUnaligned(as: UInt64.self))
        // A digit's upper half is 3, also after adding 6, which carries for what lies behind "9".
        let high: UInt64 = 0xf0f0_f0f0_f0f0_f0f0
        let threes: UInt64 = 0x3030_3030_3030_3030
        guard bytes & high == threes, (bytes &+ 0x0606_0606_0606_0606) & high == threes else { return nil }
        // Neighbours are joined: digits to pairs, pairs to fours, fours to eight.
        var value = bytes &- threes
        value = value &* 10 &+ value &>> 8
        let low = (value & 0x0000_00ff_0000_00ff) &* 0x000f_4240_0000_0064
        let rest = ((value &>> 16) & 0x0000_00ff_0000_00ff) &* 0x0000_2710_0000_0001
        return (low &+ rest) &>> 32
    }

    @inline(never)
    private func exponent(_ cursor: inout UnsafePointer<UInt8>) throws -> Int {
        var isNegative = false
        if cursor < end, cursor.pointee == UInt8(ascii: "-") || cursor.pointee == UInt8(ascii: "+") {
            isNegative = cursor.pointee == UInt8(ascii: "-")
            cursor += 1
        }
        let digits = cursor
        var value = 0
        while cursor < end, let digit = Self.digit(cursor.pointee) {
            // Beyond this every number is zero or infinite; going on would overflow.
            value = min(value * 10 + Int(truncatingIfNeeded: digit), 1_000_000_000)
            cursor += 1
        }
        guard cursor > digits else { throw failure(.malformed, "a digit has to follow the exponent's sign") }
        return isNegative ? -value : value
    }

    /// An integer, in quotes or not; `1.0` and `1e3` are integers too.
    public mutating func integer<T: FixedWidthInteger>(_ type: T.Type) throws -> T {
        if try peek() == UInt8(ascii: "\"") {
            return try quoted { json in try json.integer(type) }
        }
        let before = self
        let number = try number()
        guard let magnitude = number.integer else {
            throw before.failure(.outOfRange, "the number is not an integer of \(T.bitWidth) bits")
        }
        let value = number.isNegative ? T.negative(magnitude) : T(exactly: magnitude)
        guard let value else { throw before.failure(.outOfRange, "the number does not fit into \(T.self)") }
        return value
    }

    func integerKey<T: FixedWidthInteger>(_ text: String) throws -> T {
        var text = text
        return try text.withUTF8 { buffer in
            var inner = JSONReader(buffer, options: options)
            guard let byte = buffer.first, byte > 0x20, byte != UInt8(ascii: "\""),
                let value = try? inner.integer(T.self), inner.position == inner.end
            else { throw failure(.invalidValue, "a key of this map must be an integer in quotes") }
            return value
        }
    }

    @inline(__always)
    public mutating func double() throws -> Double {
        skipSpace()
        if position < end, position.pointee == UInt8(ascii: "\"") { return try quotedDouble() }
        let before = position
        let value = try number().double
        guard value.isFinite else {
            position = before
            throw failure(.outOfRange, "the number does not fit into a double")
        }
        return value
    }

    @inline(__always)
    public mutating func float() throws -> Float {
        skipSpace()
        if position < end, position.pointee == UInt8(ascii: "\"") { return try quotedFloat() }
        let before = position
        let value = try number().float
        guard value.isFinite else {
            position = before
            throw failure(.outOfRange, "the number does not fit into a float")
        }
        return value
    }

    @inline(never)
    private mutating func quotedDouble() throws -> Double {
        if let special = try special() { return special }
        return try quoted { json in try json.double() }
    }

    @inline(never)
    private mutating func quotedFloat() throws -> Float {
        if let special = try special() { return Float(special) }
        return try quoted { json in try json.float() }
    }

    private mutating func special() throws -> Double? {
        var ahead = self
        let text = try ahead.string()
        let value: Double
        switch text {
        case "NaN": value = .nan
        case "Infinity": value = .infinity
        case "-Infinity": value = -.infinity
        default: return nil
        }
        self = ahead
        return value
    }

    /// Reads a number that stands in a string, alone and without white space.
    private mutating func quoted<T>(_ read: (inout JSONReader) throws -> T) throws -> T {
        let before = self
        var text = try string()
        return try text.withUTF8 { buffer in
            var inner = JSONReader(buffer, options: options)
            guard let byte = buffer.first, byte > 0x20, byte != UInt8(ascii: "\"") else {
                throw before.failure(.invalidValue, "the string is not a number")
            }
            do {
                let value = try read(&inner)
                if inner.position == inner.end { return value }
            } catch let error as ProtobufError where error.code == .outOfRange {
                throw before.failure(.outOfRange, error.reason)
            } catch {
                throw before.failure(.invalidValue, "the string is not a number")
            }
            throw before.failure(.invalidValue, "the string is not a number")
        }
    }
}

extension FixedWidthInteger {
    /// The negated magnitude, which reaches one further than the positive ones do.
    fileprivate static func negative(_ magnitude: UInt64) -> Self? {
        if magnitude == 0 { return 0 }
        guard Self.isSigned, magnitude <= UInt64(Int64.max) + 1 else { return nil }
        return Self(exactly: Int64(truncatingIfNeeded: 0 &- magnitude))
    }
}

extension ScannedNumber {
    /// Takes one more digit; false when there is no room for it.
    @inline(__always)
    fileprivate mutating func append(_ digit: UInt64) -> Bool {
        if mantissa < 1_000_000_000_000_000_000 {
            mantissa = mantissa &* 10 &+ digit
            return true
        }
        return appendSlow(digit)
    }

    @inline(never)
    private mutating func appendSlow(_ digit: UInt64) -> Bool {
        let (product, tooLarge) = mantissa.multipliedReportingOverflow(by: 10)
        let (sum, tooLargeAfterAll) = product.addingReportingOverflow(digit)
        if !isCut, !tooLarge, !tooLargeAfterAll {
            mantissa = sum
            return true
        }
        if digit != 0 { isCut = true }
        return false
    }
}
