/// A number as it was written: `mantissa` · 10^`exponent`, unless digits had to be left out.
struct JSONNumber {
    var isNegative = false
    var mantissa: UInt64 = 0
    var exponent = 0
    /// No further digit fits into `mantissa`.
    var isFull = false
    /// Digits that did not fit were not all zero.
    var isCut = false
    /// `NaN` or an infinity; the fields above mean nothing then.
    var special: Double?
    var text: UnsafeBufferPointer<UInt8>

    /// Below this any digit fits behind it, and at it those up to 5.
    static let nearlyFull: UInt64 = 1_844_674_407_370_955_161

    /// The nearest double; infinite where the number is out of range.
    @inline(__always)
    var double: Double {
        // Both factors are exact up to these bounds, so that the one rounding is the right one.
        if !isCut, mantissa <= 1 << 53, exponent >= -22, exponent <= 22, special == nil {
            let power = powersOfTen[abs(exponent)]
            let value = exponent < 0 ? Double(mantissa) / power : Double(mantissa) * power
            return isNegative ? -value : value
        }
        return slowDouble
    }

    @inline(never)
    private var slowDouble: Double {
        if let special { return special }
        #if arch(x86_64)
            if !isCut, exponent >= -27, exponent <= 27 {
                // Sixty-four bits of significand hold both factors. Rounding twice is only wrong right beside the middle
                // between two doubles.
                let power = widePowersOfTen[abs(exponent)]
                let wide = exponent < 0 ? Float80(mantissa) / power : Float80(mantissa) * power
                let tail = wide.significandBitPattern & 0x7ff
                if tail < 0x3ff || tail > 0x401 { return isNegative ? -Double(wide) : Double(wide) }
            }
        #endif
        return Double(String(decoding: text, as: UTF8.self)) ?? .nan
    }

    /// The nearest float.
    @inline(__always)
    var float: Float {
        let double = double
        let value = Float(double)
        // In the middle of two floats the double may have been rounded to there, and below the normal ones the middle
        // lies elsewhere.
        if double.bitPattern & 0x1fff_ffff == 0x1000_0000 || value.magnitude < .leastNormalMagnitude && mantissa != 0 {
            return slowFloat
        }
        return value
    }

    @inline(never)
    private var slowFloat: Float {
        if let special { return Float(special) }
        return Float(String(decoding: text, as: UTF8.self)) ?? .nan
    }

    /// The number as an integer: `3`, `3.0` and `3e2` are some, `3.5` is none.
    @inline(__always)
    func integer<Value: FixedWidthInteger>(_ type: Value.Type) -> Value? {
        if exponent == 0, !isCut, special == nil {
            if !isNegative { return Value(exactly: mantissa) }
            return mantissa <= UInt64(Int64.max) ? Value(exactly: -Int64(mantissa)) : slowInteger(type)
        }
        return slowInteger(type)
    }

    @inline(never)
    private func slowInteger<Value: FixedWidthInteger>(_ type: Value.Type) -> Value? {
        guard !isCut, special == nil else { return nil }
        var value = mantissa
        var exponent = value == 0 ? 0 : exponent
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
        guard isNegative else { return Value(exactly: value) }
        return value <= 1 << 63 ? Value(exactly: 0 &- Int64(bitPattern: value)) : nil
    }
}

private let powersOfTen: [Double] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20,
    1e21, 1e22,
]

#if arch(x86_64)
    private let widePowersOfTen: [Float80] = (0...27).map { exponent in
        (0..<exponent).reduce(1) { power, _ in power * 10 }
    }
#endif

extension JSONCursor {
    private static let zero = UInt8(ascii: "0")

    /// Digits of any number after the cursor, as far as they fit.
    @inline(__always)
    private mutating func digits(_ number: inout JSONNumber) -> (count: Int, dropped: Int) {
        let first = position
        var mantissa = number.mantissa
        var dropped = 0
        while position < end {
            let digit = position.pointee &- JSONCursor.zero
            guard digit < 10 else { break }
            if mantissa < JSONNumber.nearlyFull, !number.isFull {
                mantissa = mantissa &* 10 &+ UInt64(digit)
            } else if mantissa == JSONNumber.nearlyFull, digit <= 5, !number.isFull {
                mantissa = mantissa &* 10 &+ UInt64(digit)
                number.isFull = true
            } else {
                number.isFull = true
                dropped += 1
                if digit != 0 { number.isCut = true }
            }
            position += 1
        }
        number.mantissa = mantissa
        return (position - first, dropped)
    }

    @inline(__always)
    mutating func number() throws(JSONProblem) -> JSONNumber {
        skipSpace()
        let first = position
        var number = JSONNumber(text: UnsafeBufferPointer(start: first, count: 0))
        if position < end, position.pointee == UInt8(ascii: "-") {
            number.isNegative = true
            position += 1
        }
        let whole = position
        let (count, dropped) = digits(&number)
        number.exponent = dropped
        guard count > 0 else { return try wordNumber(first, number) }
        guard count == 1 || whole.pointee != JSONCursor.zero else {
            throw problem("a number does not begin with a zero", at: first)
        }
        if position < end, position.pointee == UInt8(ascii: ".") {
            position += 1
            let (count, dropped) = digits(&number)
            guard count > 0 else { throw problem("a digit has to follow the decimal point") }
            number.exponent -= count - dropped
        }
        if position < end, position.pointee | 0x20 == UInt8(ascii: "e") { try exponent(&number) }
        number.text = UnsafeBufferPointer(start: first, count: position - first)
        return number
    }

    @inline(never)
    private mutating func exponent(_ number: inout JSONNumber) throws(JSONProblem) {
        position += 1
        var isNegative = false
        if position < end, position.pointee == UInt8(ascii: "-") || position.pointee == UInt8(ascii: "+") {
            isNegative = position.pointee == UInt8(ascii: "-")
            position += 1
        }
        let first = position
        var value = 0
        while position < end, position.pointee &- JSONCursor.zero < 10 {
            // Beyond this every number is zero or infinite, and counting on would overflow.
            if value < 100_000 { value = value * 10 + Int(position.pointee - JSONCursor.zero) }
            position += 1
        }
        guard position > first else { throw problem("a digit has to follow the exponent's sign") }
        number.exponent += isNegative ? -value : value
    }

    /// `NaN`, `Infinity`: what Python writes, and JSON does not know.
    @inline(never)
    private mutating func wordNumber(
        _ first: UnsafePointer<UInt8>, _ number: JSONNumber
    ) throws(JSONProblem) -> JSONNumber {
        var number = number
        if takeWord("Infinity") {
            number.special = number.isNegative ? -.infinity : .infinity
        } else if !number.isNegative, takeWord("NaN") {
            number.special = .nan
        } else {
            throw found("a number is expected here")
        }
        number.text = UnsafeBufferPointer(start: first, count: position - first)
        return number
    }
}
