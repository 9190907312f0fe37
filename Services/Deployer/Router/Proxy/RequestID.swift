import HTTP

/// Names a request through all logs.
enum RequestID {
    private static let bytesMax = 100
    private static let digits = Array("0123456789abcdef".utf8)

    /// The caller's where it is usable, and otherwise a new one.
    static func of(_ fields: HeaderFields) -> String {
        let given = fields.withValue("x-request-id") { value -> String? in
            guard !value.isEmpty, value.count <= bytesMax, value.allSatisfy({ (0x21...0x7e).contains($0) }) else {
                return nil
            }
            return String(decoding: value, as: UTF8.self)
        }
        return (given ?? nil) ?? random()
    }

    private static func random() -> String {
        var words = (UInt64.random(in: .min ... .max), UInt64.random(in: .min ... .max))
        return String(unsafeUninitializedCapacity: 32) { text in
            for index in 0..<16 {
                text[index] = digits[Int(words.0 & 15)]
                text[index + 16] = digits[Int(words.1 & 15)]
                words.0 >>= 4
                words.1 >>= 4
            }
            return 32
        }
    }
}
