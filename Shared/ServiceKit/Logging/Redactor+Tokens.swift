extension Redactor {
    private static let mark = Array("slw_".utf8)
    /// `slw_`, a letter, `_` and the ten characters by which a token can be found and revoked: these may be shown.
    private static let publicCount = 16

    /// The text without the secret part of Slipway's tokens, whole or cut short, whoever's they are: callers show them, so
    /// that nobody can list them beforehand.
    static func withoutTokens(_ text: String) -> String {
        guard var start = firstMark(text.utf8) else { return text }
        let bytes = Array(text.utf8)
        var kept: [UInt8] = []
        var copied = 0
        while start < bytes.count {
            guard bytes[start] == mark[0], bytes[start...].starts(with: mark) else {
                start += 1
                continue
            }
            var end = start
            while end < bytes.count, isPart(bytes[end]) { end += 1 }
            if end - start > publicCount {
                kept += bytes[copied..<start + publicCount]
                kept += Array(replacement.utf8)
                copied = end
            }
            start = end
        }
        guard copied > 0 else { return text }
        kept += bytes[copied...]
        return String(decoding: kept, as: UTF8.self)
    }

    private static func firstMark(_ text: String.UTF8View) -> Int? {
        var matched = 0
        for (index, byte) in text.enumerated() {
            matched = byte == mark[matched] ? matched + 1 : byte == mark[0] ? 1 : 0
            if matched == mark.count { return index - mark.count + 1 }
        }
        return nil
    }

    private static func isPart(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "_"):
            true
        default: false
        }
    }
}
