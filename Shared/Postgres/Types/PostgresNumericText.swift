/// The decimal digits of a `numeric`, which the server sends in groups of four.
struct PostgresNumericText: CustomStringConvertible {
    let description: String

    init(_ cell: PostgresCell) throws(PostgresCellError) {
        let bytes = cell.bytes
        guard bytes.count >= 8, bytes.count % 2 == 0 else { throw .malformed("\(bytes.count) bytes") }
        func word(_ index: Int) -> UInt16 { UInt16(bytes[index * 2]) << 8 | UInt16(bytes[index * 2 + 1]) }
        let count = Int(word(0))
        let weight = Int(Int16(bitPattern: word(1)))
        let scale = Int(word(3))
        guard bytes.count == 8 + count * 2 else { throw .malformed("\(count) groups in \(bytes.count) bytes") }
        switch word(2) {
        case 0x0000, 0x4000: break
        case 0xC000:
            description = "nan"
            return
        case 0xD000:
            description = "inf"
            return
        case 0xF000:
            description = "-inf"
            return
        default: throw .malformed("sign \(word(2))")
        }
        /// The group that stands for 10000 to the power of `place`, as four digits.
        func group(_ place: Int) -> String {
            let index = weight - place
            let digits = index >= 0 && index < count ? String(word(4 + index)) : "0"
            return String(repeating: "0", count: max(0, 4 - digits.count)) + digits
        }
        var whole = ""
        for place in stride(from: max(weight, 0), through: 0, by: -1) { whole += group(place) }
        whole = String(whole.drop { $0 == "0" })
        var fraction = ""
        for place in 0..<((scale + 3) / 4) { fraction += group(-1 - place) }
        let sign = word(2) == 0x4000 ? "-" : ""
        description = sign + (whole.isEmpty ? "0" : whole) + (scale > 0 ? "." + fraction.prefix(scale) : "")
    }
}
