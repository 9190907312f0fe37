/// A response's head as HTTP/1 sends it.
struct HTTP1Response {
    var head: ResponseHead
    var framing: HTTP1Framing
    var keepsAlive: Bool

    /// Reads a head that `HTTP1HeadScanner` found.
    /// - Parameter isHead: the request was HEAD, so that no body follows whatever the fields say.
    init(_ bytes: UnsafeRawBufferPointer, start: Int, end: Int, isHead: Bool, limit: Int) throws(HTTP1Failure) {
        guard let feed = bytes.index(of: 0x0a, from: start), feed < end, feed > start else {
            throw HTTP1Failure(502, "the response has no first line")
        }
        let line = bytes.part(start..<(feed - 1))
        guard line.count >= 12, line.part(0..<7).equals("HTTP/1."), line[8] == 0x20,
            let status = line.part(9..<12).decimal, status >= 100, line.count == 12 || line[12] == 0x20,
            HTTP1Characters.isValue(line)
        else { throw HTTP1Failure(502, "the response's first line is not version, status and reason") }
        let isVersion11: Bool
        switch line[7] {
        case UInt8(ascii: "1"): isVersion11 = true
        case UInt8(ascii: "0"): isVersion11 = false
        default: throw HTTP1Failure(502, "the response's version is not HTTP/1.0 or HTTP/1.1")
        }
        var block = HTTP1FieldBlock(fields: HeaderFields(), limit: limit)
        try block.read(bytes, from: feed + 1, to: end)
        if block.isChunked, !isVersion11 { throw HTTP1Failure(502, "HTTP/1.0 has no Transfer-Encoding") }
        head = ResponseHead(status: status, fields: block.fields)
        if isHead || status < 200 || status == 204 || status == 304 {
            framing = .none
        } else if block.isChunked {
            framing = .chunked
        } else if let length = block.contentLength {
            framing = length == 0 ? .none : .length(length)
        } else {
            framing = .untilClose
        }
        keepsAlive = isVersion11 ? !block.wantsClose : block.wantsKeepAlive && !block.wantsClose
        if framing == .untilClose { keepsAlive = false }
    }
}
