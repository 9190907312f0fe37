/// Pickles by hand, for what no library would write.
struct Pickle {
    var bytes: [UInt8] = []

    func opcode(_ bytes: UInt8...) -> Pickle { Pickle(bytes: self.bytes + bytes) }
    func opcode(_ character: Unicode.Scalar) -> Pickle { opcode(UInt8(ascii: character)) }
    func raw(_ text: String) -> Pickle { Pickle(bytes: bytes + Array(text.utf8)) }
    func raw(_ more: [UInt8]) -> Pickle { Pickle(bytes: bytes + more) }

    /// SHORT_BINUNICODE
    func text(_ text: String) -> Pickle { opcode(0x8c, UInt8(text.utf8.count)).raw(text) }
    func global(_ module: String, _ name: String) -> Pickle { raw("c\(module)\n\(name)\n") }
    /// STACK_GLOBAL
    var stackGlobal: Pickle { opcode(0x93) }
    var memoize: Pickle { opcode(0x94) }
    func get(_ key: UInt8) -> Pickle { opcode(UInt8(ascii: "h"), key) }
    var mark: Pickle { opcode("(") }
    var tuple: Pickle { opcode("t") }
    var reduce: Pickle { opcode("R") }
    var stop: Pickle { opcode(".") }

    static let four = Pickle(bytes: [0x80, 4])
}
