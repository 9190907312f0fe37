/// What names may look like: they stand in addresses, in logs and in commands. Each rule comes with the sentence that says
/// what would be right.
package enum NameRules {
    package static let model = "1 to 128 of A–Z, a–z, 0–9, '.', '_' and '-', beginning with a letter or digit"
    package static let image = "1 to 128 of a–z, 0–9, '.', '_' and '-', beginning with a letter or digit"
    package static let alias = "1 to 64 of a–z, 0–9, '_' and '-', not digits alone, and not \"latest\""
    package static let key =
        "1 to 128 of A–Z, a–z, 0–9, '.', '_', '-', '/', ':' and spaces, with no space at either end"
    package static let request = "up to 64 visible characters of ASCII"

    package static func isModel(_ name: String) -> Bool {
        guard let first = name.utf8.first, isLetterOrDigit(first), name.utf8.count <= 128 else { return false }
        return name.utf8.allSatisfy { isLetterOrDigit($0) || "._-".utf8.contains($0) }
    }

    /// As models, and in small letters: repositories of images know no others.
    package static func isImage(_ name: String) -> Bool { isModel(name) && name.utf8.allSatisfy { !isUppercase($0) } }

    package static func isAlias(_ name: String) -> Bool {
        guard !name.isEmpty, name.utf8.count <= 64, name != "latest" else { return false }
        let isFine = name.utf8.allSatisfy { isLowercase($0) || isDigit($0) || "_-".utf8.contains($0) }
        return isFine && !name.utf8.allSatisfy(isDigit)
    }

    /// Of tags, properties and metrics.
    package static func isKey(_ key: String) -> Bool {
        guard let first = key.utf8.first, let last = key.utf8.last, key.utf8.count <= 128 else { return false }
        let space = UInt8(ascii: " ")
        return first != space && last != space
            && key.utf8.allSatisfy { isLetterOrDigit($0) || "._-/: ".utf8.contains($0) }
    }

    package static func isRequest(_ id: String) -> Bool {
        id.utf8.count <= 64 && id.utf8.allSatisfy { (0x21...0x7E).contains($0) }
    }

    private static func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }
    private static func isUppercase(_ byte: UInt8) -> Bool { (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte) }
    private static func isLowercase(_ byte: UInt8) -> Bool { (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte) }
    private static func isLetterOrDigit(_ byte: UInt8) -> Bool {
        isDigit(byte) || isLowercase(byte) || isUppercase(byte)
    }
}

/// A name or value as messages show it: on one line, and not longer than helps.
package func shown(_ text: String) -> String {
    var line = ""
    for scalar in text.unicodeScalars.prefix(100) {
        line += scalar.value < 0x20 || scalar.value == 0x7F ? "\\u{\(String(scalar.value, radix: 16))}" : "\(scalar)"
    }
    return "\"\(line)\(text.unicodeScalars.count > 100 ? "…" : "")\""
}
