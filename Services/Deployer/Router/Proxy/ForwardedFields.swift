import HTTP

/// Which fields pass the router, and which it adds.
enum ForwardedFields {
    /// The fields for a replica. What concerns one connection, what the caller proved itself with, and what was said to the
    /// router stays here.
    static func request(
        _ head: RequestHead, peer: PeerIdentity, requestID: String, prefix: String?, authorization: String?
    ) -> HeaderFields {
        var fields = HeaderFields()
        let listed = listedInConnection(head.fields)
        var forwardedFor = ""
        var isTrailing = false
        head.fields.forEachBytes { name, value in
            switch RequestField(name) {
            case .passed:
                if listed.isEmpty || !listed.contains(where: { name.elementsEqual($0) }) {
                    fields.add(name: name, value: value)
                }
            case .dropped: return
            case .te: isTrailing = isTrailing || String(decoding: value, as: UTF8.self).contains("trailers")
            case .forwardedFor: forwardedFor += String(decoding: value, as: UTF8.self) + ", "
            }
        }
        if isTrailing { fields.add("te", "trailers") }
        fields.add("x-forwarded-for", forwardedFor + host(of: peer.address))
        fields.add("x-forwarded-proto", peer.isEncrypted ? "https" : "http")
        fields.add("x-forwarded-host", head.authority)
        if let prefix { fields.add("x-forwarded-prefix", prefix) }
        fields.add("x-request-id", requestID)
        if let authorization { fields.add("authorization", authorization) }
        return fields
    }

    /// The fields for the caller.
    static func answer(_ head: ResponseHead) -> HeaderFields {
        var fields = HeaderFields()
        let listed = listedInConnection(head.fields)
        head.fields.forEachBytes { name, value in
            guard !isAnswerDropped(name), !listed.contains(where: { name.elementsEqual($0) }) else { return }
            fields.add(name: name, value: value)
        }
        return fields
    }

    private enum RequestField {
        case passed, dropped, te, forwardedFor

        init(_ name: UnsafeRawBufferPointer) {
            func isName(_ wanted: StaticString) -> Bool { ForwardedFields.equal(name, wanted) }
            switch name.count {
            case 2: self = isName("te") ? .te : .passed
            case 4: self = isName("host") ? .dropped : .passed
            case 6: self = isName("expect") ? .dropped : .passed
            case 7: self = isName("upgrade") ? .dropped : .passed
            case 10: self = isName("connection") || isName("keep-alive") ? .dropped : .passed
            case 12: self = isName("x-request-id") ? .dropped : .passed
            case 13: self = isName("authorization") || isName("slipway-route") ? .dropped : .passed
            case 14: self = isName("http2-settings") ? .dropped : .passed
            case 15: self = isName("x-forwarded-for") ? .forwardedFor : .passed
            case 16:
                self =
                    isName("proxy-connection") || isName("x-forwarded-host") || isName("slipway-revision")
                    ? .dropped : .passed
            case 17: self = isName("transfer-encoding") || isName("x-forwarded-proto") ? .dropped : .passed
            case 18: self = isName("x-forwarded-prefix") || isName("slipway-deployment") ? .dropped : .passed
            case 19: self = isName("proxy-authorization") ? .dropped : .passed
            default: self = .passed
            }
        }
    }

    private static func isAnswerDropped(_ name: UnsafeRawBufferPointer) -> Bool {
        switch name.count {
        case 7: equal(name, "upgrade")
        case 10: equal(name, "connection") || equal(name, "keep-alive")
        case 12: equal(name, "x-request-id")
        case 13: equal(name, "slipway-route")
        case 16: equal(name, "proxy-connection") || equal(name, "slipway-revision")
        case 17: equal(name, "transfer-encoding")
        case 18: equal(name, "proxy-authenticate")
        default: false
        }
    }

    private static func equal(_ name: UnsafeRawBufferPointer, _ wanted: StaticString) -> Bool {
        name.elementsEqual(UnsafeBufferPointer(start: wanted.utf8Start, count: wanted.utf8CodeUnitCount))
    }

    /// The names that a `Connection` field lists besides its own words.
    private static func listedInConnection(_ fields: HeaderFields) -> [[UInt8]] {
        guard fields.contains("connection") else { return [] }
        var listed: [[UInt8]] = []
        for value in fields.values("connection") {
            for part in value.lowercased().split(separator: ",") {
                let name = part.filter { $0 != " " && $0 != "\t" }
                if !name.isEmpty, name != "close", name != "keep-alive" { listed.append(Array(name.utf8)) }
            }
        }
        return listed
    }

    /// An address without its port.
    static func host(of address: String) -> String {
        guard !address.hasPrefix("unix:"), let colon = address.lastIndex(of: ":") else { return "unknown" }
        let host = address[..<colon]
        return host.hasPrefix("[") ? String(host.dropFirst().dropLast()) : String(host)
    }
}
