import Glibc

/// Puts heads and chunks into a connection's output.
enum HTTP1Writer {
    /// What a handler must not say of the connection: it is this side's business.
    private static func isOwn(_ name: UnsafeRawBufferPointer) -> Bool {
        switch name.count {
        case 2: name.equals("te")
        case 7: name.equals("upgrade") || name.equals("trailer")
        case 10: name.equals("connection") || name.equals("keep-alive")
        case 16: name.equals("proxy-connection")
        case 17: name.equals("transfer-encoding")
        default: false
        }
    }

    static func append(
        _ head: ResponseHead, plan: HTTP1ServerState.Plan, to output: inout OutputBuffer
    ) {
        let status = (100...999).contains(head.status) ? head.status : 500
        output.append("HTTP/1.1 ")
        append(decimal: status, to: &output)
        output.append(" ")
        output.append(reason(of: status))
        output.append("\r\n")
        append(head.fields, to: &output) { name in
            isOwn(name) || (status == 204 && name.equals("content-length"))
        }
        if let length = plan.addsLength, status != 204 { append(length: length, to: &output) }
        if plan.framing == .chunked { output.append("transfer-encoding: chunked\r\n") }
        switch plan.connection {
        case .unsaid: break
        case .close: output.append("connection: close\r\n")
        case .keepAlive: output.append("connection: keep-alive\r\n")
        }
        output.append("\r\n")
    }

    static func append(_ head: RequestHead, framing: HTTP1Framing, addsLength: Int?, to output: inout OutputBuffer) {
        output.append(head.method.description)
        output.append(" ")
        head.withTargetBytes { appendSafely($0, to: &output) }
        output.append(" HTTP/1.1\r\nhost: ")
        head.withAuthorityBytes { appendSafely($0, to: &output) }
        output.append("\r\n")
        append(head.fields, to: &output) { isOwn($0) && !$0.equals("te") || $0.equals("host") }
        if let addsLength { append(length: addsLength, to: &output) }
        if framing == .chunked { output.append("transfer-encoding: chunked\r\n") }
        output.append("\r\n")
    }

    private static func append(length: Int, to output: inout OutputBuffer) {
        output.append("content-length: ")
        append(decimal: length, to: &output)
        output.append("\r\n")
    }

    /// A whole answer of this side's own; the connection ends with it.
    static func append(_ failure: HTTP1Failure, to output: inout OutputBuffer) {
        let text = failure.reason + "\n"
        let head = ResponseHead(status: failure.status, fields: ["content-type": "text/plain; charset=utf-8"])
        append(
            head, plan: .init(framing: .length(text.utf8.count), addsLength: text.utf8.count, connection: .close),
            to: &output)
        output.append(text)
    }

    /// The beginning of a chunk of `count` bytes; its bytes and `\r\n` follow.
    static func append(chunkOf count: Int, to output: inout OutputBuffer) {
        var digits: (UInt64, UInt64) = (0, 0)
        withUnsafeMutableBytes(of: &digits) { digits in
            var place = 16
            var left = count
            repeat {
                place -= 1
                let digit = UInt8(truncatingIfNeeded: left & 15)
                digits[place] = digit < 10 ? 48 + digit : 87 + digit
                left >>= 4
            } while left > 0
            output.append(UnsafeRawBufferPointer(rebasing: digits[place...]))
        }
        output.append("\r\n")
    }

    static func append(lastChunkWith trailers: HeaderFields?, to output: inout OutputBuffer) {
        output.append("0\r\n")
        if let trailers {
            append(trailers, to: &output) { isOwn($0) || $0.equals("content-length") || $0.equals("host") }
        }
        output.append("\r\n")
    }

    private static func append(
        _ fields: HeaderFields, to output: inout OutputBuffer, except isLeftOut: (UnsafeRawBufferPointer) -> Bool
    ) {
        fields.forEachRecord { record in
            guard !isLeftOut(record.name), HTTP1Characters.isToken(record.name) else { return }
            output.append(record.name)
            output.append(": ")
            appendSafely(record.value, to: &output)
            output.append("\r\n")
        }
    }

    /// A line break in a value would begin a field of somebody else's choosing.
    private static func appendSafely(_ bytes: UnsafeRawBufferPointer, to output: inout OutputBuffer) {
        if HTTP1Characters.isValue(bytes) { return output.append(bytes) }
        output.append(String(decoding: bytes.map { $0 < 0x20 || $0 == 0x7f ? 0x20 : $0 }, as: UTF8.self))
    }

    private static func append(decimal value: Int, to output: inout OutputBuffer) {
        var digits: (UInt64, UInt64, UInt64) = (0, 0, 0)
        withUnsafeMutableBytes(of: &digits) { digits in
            var place = 24
            var left = value
            repeat {
                place -= 1
                digits[place] = 48 + UInt8(truncatingIfNeeded: left % 10)
                left /= 10
            } while left > 0
            output.append(UnsafeRawBufferPointer(rebasing: digits[place...]))
        }
    }

    private static func reason(of status: Int) -> StaticString {
        switch status {
        case 100: "Continue"
        case 200: "OK"
        case 201: "Created"
        case 202: "Accepted"
        case 204: "No Content"
        case 206: "Partial Content"
        case 301: "Moved Permanently"
        case 302: "Found"
        case 303: "See Other"
        case 304: "Not Modified"
        case 307: "Temporary Redirect"
        case 308: "Permanent Redirect"
        case 400: "Bad Request"
        case 401: "Unauthorized"
        case 403: "Forbidden"
        case 404: "Not Found"
        case 405: "Method Not Allowed"
        case 408: "Request Timeout"
        case 409: "Conflict"
        case 411: "Length Required"
        case 412: "Precondition Failed"
        case 413: "Content Too Large"
        case 414: "URI Too Long"
        case 415: "Unsupported Media Type"
        case 416: "Range Not Satisfiable"
        case 417: "Expectation Failed"
        case 422: "Unprocessable Content"
        case 429: "Too Many Requests"
        case 431: "Request Header Fields Too Large"
        case 500: "Internal Server Error"
        case 501: "Not Implemented"
        case 503: "Service Unavailable"
        case 504: "Gateway Timeout"
        case 505: "HTTP Version Not Supported"
        default: "Status"
        }
    }
}

extension RequestHead {
    func withAuthorityBytes<Result>(_ body: (UnsafeRawBufferPointer) throws -> Result) rethrows -> Result {
        try fields.withBytes(authoritySlot, body)
    }
}
