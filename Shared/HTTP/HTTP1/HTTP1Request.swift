/// A request's head as HTTP/1 sends it.
struct HTTP1Request {
    var head: RequestHead
    var framing: HTTP1Framing
    var keepsAlive: Bool
    var expectsContinue: Bool

    /// Reads a head that `HTTP1HeadScanner` found.
    init(
        _ bytes: UnsafeRawBufferPointer, start: Int, end: Int, isEncrypted: Bool, limit: Int
    ) throws(HTTP1Failure) {
        guard let feed = bytes.index(of: 0x0a, from: start), feed < end, feed > start else {
            throw HTTP1Failure(400, "the request has no first line")
        }
        let line = try RequestLine(bytes.part(start..<(feed - 1)))
        head = RequestHead(version: line.version)
        head.method = HTTPMethod(bytes: line.method)
        var block = HTTP1FieldBlock(fields: head.fields, limit: limit)
        try block.read(bytes, from: feed + 1, to: end)
        head.fields = block.fields

        if line.version == .http11, block.hosts == 0 { throw HTTP1Failure(400, "the Host field is missing") }
        if block.hosts > 1 { throw HTTP1Failure(400, "there are several Host fields") }
        if line.version == .http10, block.isChunked {
            throw HTTP1Failure(400, "HTTP/1.0 has no Transfer-Encoding")
        }
        framing = block.isChunked ? .chunked : block.contentLength.map { $0 == 0 ? .none : .length($0) } ?? .none
        let wanted = line.version == .http11 ? !block.wantsClose : block.wantsKeepAlive && !block.wantsClose
        // What a client sends behind CONNECT is meant for a tunnel: it must not be read as another request.
        keepsAlive = wanted && head.method != .connect
        expectsContinue = line.version == .http11 && block.expectsContinue && framing != .none

        let target = try HTTP1Target(line.target, method: head.method)
        head.setTarget(
            path: target.path, query: target.addsSlash, authority: target.authority ?? bytes.part(block.host),
            scheme: isEncrypted ? "https" : "http")
    }
}

/// `METHOD target HTTP/1.x`, one space between each.
private struct RequestLine {
    let method: UnsafeRawBufferPointer
    let target: UnsafeRawBufferPointer
    let version: HTTPVersion

    init(_ line: UnsafeRawBufferPointer) throws(HTTP1Failure) {
        guard let first = line.index(of: 0x20, from: 0), let second = line.index(of: 0x20, from: first + 1) else {
            throw HTTP1Failure(400, "the request's first line is not method, target and version")
        }
        method = line.part(0..<first)
        target = line.part((first + 1)..<second)
        let name = line.part((second + 1)..<line.count)
        guard HTTP1Characters.isToken(method) else { throw HTTP1Failure(400, "the method is not a token") }
        if name.equals("HTTP/1.1") {
            version = .http11
        } else if name.equals("HTTP/1.0") {
            version = .http10
        } else if name.count == 8, name.part(0..<5).equals("HTTP/"), name[6] == UInt8(ascii: "."),
            name.part(5..<6).decimal != nil, name.part(7..<8).decimal != nil
        {
            throw HTTP1Failure(505, "only HTTP/1.0 and HTTP/1.1 are spoken here")
        } else {
            throw HTTP1Failure(400, "the request's version is malformed")
        }
    }
}

/// The four forms of a request target (RFC 9112, section 3.2).
private struct HTTP1Target {
    let path: UnsafeRawBufferPointer
    /// The absolute form may leave out the path and go on with the query.
    var addsSlash = false
    var authority: UnsafeRawBufferPointer?

    init(_ target: UnsafeRawBufferPointer, method: HTTPMethod) throws(HTTP1Failure) {
        guard let first = target.first, HTTP1Characters.isTarget(target) else {
            throw HTTP1Failure(400, "the request's target has characters that must be percent-encoded")
        }
        if method == .connect {
            guard HTTP1Characters.isAuthority(target), target.contains(UInt8(ascii: ":")) else {
                throw HTTP1Failure(400, "CONNECT wants host and port")
            }
            path = target.part(0..<0)
            authority = target
        } else if first == UInt8(ascii: "/") {
            path = target
        } else if target.equals("*"), method == .options {
            path = target
        } else if target.hasPrefixIgnoringCase("http://") || target.hasPrefixIgnoringCase("https://") {
            let start = target.hasPrefixIgnoringCase("http://") ? 7 : 8
            let end = target[start...].firstIndex { $0 == UInt8(ascii: "/") || $0 == UInt8(ascii: "?") } ?? target.count
            let host = target.part(start..<end)
            guard !host.isEmpty, HTTP1Characters.isAuthority(host) else {
                throw HTTP1Failure(400, "the target's authority is malformed")
            }
            authority = host
            path = target.part(end..<target.count)
            addsSlash = path.first != UInt8(ascii: "/")
        } else {
            throw HTTP1Failure(400, "the request's target is malformed")
        }
    }
}

extension RequestHead {
    fileprivate mutating func setTarget(
        path: UnsafeRawBufferPointer, query addsSlash: Bool, authority: UnsafeRawBufferPointer, scheme: StaticString
    ) {
        if addsSlash {
            let whole = [UInt8(ascii: "/")] + path
            pathSlot = whole.withUnsafeBytes { fields.keep($0) }
        } else {
            pathSlot = fields.keep(path)
        }
        authoritySlot = fields.keep(authority)
        schemeSlot = fields.keep(UnsafeRawBufferPointer(start: scheme.utf8Start, count: scheme.utf8CodeUnitCount))
    }
}
