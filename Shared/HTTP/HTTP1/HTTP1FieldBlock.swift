/// The field lines of a head or a trailer, read strictly, with what the framing needs to know of them.
struct HTTP1FieldBlock {
    var fields: HeaderFields
    private(set) var contentLength: Int?
    private(set) var isChunked = false
    private(set) var hosts = 0
    private(set) var host = 0..<0
    private(set) var wantsClose = false
    private(set) var wantsKeepAlive = false
    private(set) var expectsContinue = false
    private var size = 0
    private let limit: Int

    init(fields: HeaderFields, limit: Int) {
        self.fields = fields
        self.limit = limit
    }

    /// Reads lines from `position` up to `end`; each of them ends with CR LF.
    mutating func read(_ bytes: UnsafeRawBufferPointer, from position: Int, to end: Int) throws(HTTP1Failure) {
        var position = position
        while position < end {
            guard let feed = bytes.index(of: 0x0a, from: position), feed < end, feed > position, bytes[feed - 1] == 0x0d
            else { throw HTTP1Failure(400, "a line does not end with CR LF") }
            try readLine(bytes, position..<(feed - 1))
            position = feed + 1
        }
        if contentLength != nil, isChunked {
            throw HTTP1Failure(400, "the message has both Content-Length and Transfer-Encoding")
        }
    }

    private mutating func readLine(_ bytes: UnsafeRawBufferPointer, _ range: Range<Int>) throws(HTTP1Failure) {
        if let first = range.first.map({ bytes[$0] }), first == 0x20 || first == 0x09 {
            throw HTTP1Failure(400, "a header field is folded over several lines")
        }
        guard let colon = bytes.index(of: UInt8(ascii: ":"), from: range.lowerBound), colon < range.upperBound else {
            throw HTTP1Failure(400, "a header field has no colon")
        }
        let name = bytes.part(range.lowerBound..<colon)
        let value = bytes.part((colon + 1)..<range.upperBound).trimmed
        guard HTTP1Characters.isToken(name) else { throw HTTP1Failure(400, "a header field's name is not a token") }
        guard HTTP1Characters.isValue(value) else {
            throw HTTP1Failure(400, "a header field's value has a control character")
        }
        size += name.count + value.count + 32
        guard size <= limit else {
            throw HTTP1Failure(431, "the header fields take more than \(limit) bytes")
        }
        try note(name, value, at: colon + 1, in: bytes)
        fields.add(name: name, value: value)
    }

    private mutating func note(
        _ name: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer, at start: Int, in bytes: UnsafeRawBufferPointer
    ) throws(HTTP1Failure) {
        switch name.count {
        case 4 where name.equalsIgnoringCase("host"):
            hosts += 1
            guard HTTP1Characters.isAuthority(value) else { throw HTTP1Failure(400, "the Host field is malformed") }
            if let base = value.baseAddress, let whole = bytes.baseAddress {
                host = (base - whole)..<(base - whole + value.count)
            }
        case 6 where name.equalsIgnoringCase("expect"):
            guard value.equalsIgnoringCase("100-continue") else {
                throw HTTP1Failure(417, "only 100-continue can be expected")
            }
            expectsContinue = true
        case 10 where name.equalsIgnoringCase("connection"):
            for token in value.split(separator: UInt8(ascii: ",")) {
                let token = UnsafeRawBufferPointer(rebasing: token).trimmed
                if token.equalsIgnoringCase("close") { wantsClose = true }
                if token.equalsIgnoringCase("keep-alive") { wantsKeepAlive = true }
            }
        case 14 where name.equalsIgnoringCase("content-length"):
            guard contentLength == nil else { throw HTTP1Failure(400, "there are several Content-Length fields") }
            guard let length = value.decimal else { throw HTTP1Failure(400, "Content-Length is not a number") }
            contentLength = length
        case 17 where name.equalsIgnoringCase("transfer-encoding"):
            guard !isChunked else { throw HTTP1Failure(400, "there are several Transfer-Encoding fields") }
            guard value.equalsIgnoringCase("chunked") else {
                throw HTTP1Failure(501, "the only known Transfer-Encoding is chunked")
            }
            isChunked = true
        default: break
        }
    }
}
