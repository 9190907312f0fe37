/// Headers that somebody wants to go with deliveries.
enum WebhookHeaders {
    static let countMax = 50
    static let bytesMax = 8192

    /// Those that belong to the connection or to the delivery itself.
    private static let reserved: Set = [
        "host", "content-length", "content-type", "content-encoding", "connection", "keep-alive", "proxy-connection",
        "proxy-authenticate", "proxy-authorization", "te", "trailer", "transfer-encoding", "upgrade", "expect",
        "user-agent", "traceparent", "tracestate",
    ]

    /// - Parameter headers: names with values, or without where those are kept elsewhere.
    /// - Throws: `DestinationError` naming the header, never its value.
    static func check(_ headers: some Collection<(name: String, value: String)>) throws(DestinationError) {
        var seen: Set<String> = []
        var size = 0
        for (name, value) in headers {
            func refused(_ message: String) -> DestinationError {
                DestinationError(.invalid, field: "webhook.headers", "\(shown(name)) \(message)")
            }
            let lower = name.lowercased()
            guard !name.isEmpty, name.utf8.allSatisfy(isToken) else { throw refused("is no name of a header") }
            guard !reserved.contains(lower) else { throw refused("is set by the delivery itself") }
            guard !["ce-", "webhook-", "aeg-"].contains(where: { lower.hasPrefix($0) }) else {
                throw refused("begins as the delivery's own headers do")
            }
            guard seen.insert(lower).inserted else { throw refused("is given twice") }
            guard value.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7f || $0 == 0x09 }) else {
                throw refused("has a value with a line break or another control character")
            }
            size += name.utf8.count + value.utf8.count
        }
        guard headers.count <= countMax, size <= bytesMax else {
            throw DestinationError(
                .invalid, field: "webhook.headers", "more than \(countMax) headers, or \(bytesMax) bytes of them")
        }
    }

    private static func shown(_ name: String) -> String { "'\(name.prefix(64))'" }

    private static func isToken(_ byte: UInt8) -> Bool {
        let letter = byte | 0x20
        return (0x61...0x7a).contains(letter) || (0x30...0x39).contains(byte) || "!#$%&'*+-.^_`|~".utf8.contains(byte)
    }
}
