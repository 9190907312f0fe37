/// Reads a chunked body strictly (RFC 9112, section 7.1). Extensions are skipped; how much of them there may be grows with
/// the body, so that chunks of one byte can't carry megabytes of nothing.
struct ChunkedDecoder {
    enum Event {
        case needsMore
        /// These bytes belong to the body.
        case bytes(Range<Int>)
        case end(HeaderFields?)
        case bad(HTTP1Failure)
    }

    private enum State {
        /// Goes to `extensions` or `sizeFeed`.
        case size(digits: Int)
        /// Goes to `sizeFeed`.
        case extensions
        /// Goes to `bytes` or `trailers`.
        case sizeFeed
        /// Goes to `bytesReturn`.
        case bytes(left: Int)
        /// Goes to `bytesFeed`.
        case bytesReturn
        /// Goes to `size`.
        case bytesFeed
        /// Goes to `ended`.
        case trailers
        case ended
    }

    private static let extensionAllowance = 16 * 1024

    private var state = State.size(digits: 0)
    private var size = 0
    private var extensionBytes = 0
    private var bodyBytes = 0
    private var trailers: [UInt8] = []
    private var trailerLineStart = 0
    private let limit: Int

    /// - Parameter limit: bytes that the trailers may take.
    init(limit: Int) { self.limit = limit }

    /// The next thing that the bytes from `position` on say; body pieces have at most `maximum` bytes.
    mutating func next(_ bytes: UnsafeRawBufferPointer, at position: inout Int, maximum: Int) -> Event {
        while position < bytes.count {
            if case .bytes(let left) = state {
                let count = min(left, bytes.count - position, maximum)
                guard count > 0 else { return .needsMore }
                let piece = position..<(position + count)
                position += count
                bodyBytes += count
                state = count == left ? .bytesReturn : .bytes(left: left - count)
                return .bytes(piece)
            }
            let byte = bytes[position]
            position += 1
            do throws(HTTP1Failure) {
                if let event = try take(byte) { return event }
            } catch {
                return .bad(error)
            }
        }
        return .needsMore
    }

    private mutating func take(_ byte: UInt8) throws(HTTP1Failure) -> Event? {
        switch state {
        case .size(let digits): try takeSize(byte, digits)
        case .extensions:
            if byte == 0x0d {
                state = .sizeFeed
            } else {
                extensionBytes += 1
                guard byte == 0x09 || (byte >= 0x20 && byte != 0x7f) else {
                    throw HTTP1Failure(400, "a chunk's extension has a control character")
                }
                guard extensionBytes <= ChunkedDecoder.extensionAllowance + bodyBytes / 16 else {
                    throw HTTP1Failure(400, "the chunks' extensions are too long")
                }
            }
        case .sizeFeed:
            guard byte == 0x0a else { throw HTTP1Failure(400, "a chunk's size does not end with CR LF") }
            state = size == 0 ? .trailers : .bytes(left: size)
        case .bytesReturn:
            guard byte == 0x0d else { throw HTTP1Failure(400, "a chunk is longer than its size") }
            state = .bytesFeed
        case .bytesFeed:
            guard byte == 0x0a else { throw HTTP1Failure(400, "a chunk does not end with CR LF") }
            state = .size(digits: 0)
            size = 0
        case .trailers: return try takeTrailer(byte)
        case .bytes, .ended: break
        }
        return nil
    }

    private mutating func takeSize(_ byte: UInt8, _ digits: Int) throws(HTTP1Failure) {
        let digit: UInt8
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): digit = byte - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): digit = byte - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): digit = byte - UInt8(ascii: "A") + 10
        case 0x0d where digits > 0:
            state = .sizeFeed
            return
        case UInt8(ascii: ";") where digits > 0:
            state = .extensions
            return
        default: throw HTTP1Failure(400, "a chunk's size is not a hexadecimal number")
        }
        guard digits < 15 else { throw HTTP1Failure(400, "a chunk's size is too large") }
        size = size << 4 | Int(digit)
        state = .size(digits: digits + 1)
    }

    private mutating func takeTrailer(_ byte: UInt8) throws(HTTP1Failure) -> Event? {
        trailers.append(byte)
        guard trailers.count <= limit + 2 else {
            throw HTTP1Failure(431, "the trailers take more than \(limit) bytes")
        }
        guard byte == 0x0a else { return nil }
        guard trailers.count - trailerLineStart >= 2, trailers[trailers.count - 2] == 0x0d else {
            throw HTTP1Failure(400, "a trailer does not end with CR LF")
        }
        guard trailers.count - trailerLineStart == 2 else {
            trailerLineStart = trailers.count
            return nil
        }
        state = .ended
        guard trailerLineStart > 0 else { return .end(nil) }
        let (limit, end) = (limit, trailerLineStart)
        let result = trailers.withUnsafeBytes { bytes in
            Result { () throws(HTTP1Failure) -> HTTP1FieldBlock in
                var block = HTTP1FieldBlock(fields: HeaderFields(), limit: limit)
                try block.read(bytes, from: 0, to: end)
                return block
            }
        }
        let block = try result.get()
        guard block.contentLength == nil, !block.isChunked, block.hosts == 0 else {
            throw HTTP1Failure(400, "a trailer must not be about framing or routing")
        }
        return .end(block.fields)
    }
}

/// Reads a body however it is framed.
struct HTTP1BodyDecoder {
    private enum Kind {
        case length(left: Int)
        case chunked(ChunkedDecoder)
        case untilClose
    }

    private var kind: Kind

    init(_ framing: HTTP1Framing, limit: Int) {
        switch framing {
        case .none: kind = .length(left: 0)
        case .length(let length): kind = .length(left: length)
        case .chunked: kind = .chunked(ChunkedDecoder(limit: limit))
        case .untilClose: kind = .untilClose
        }
    }

    var isUntilClose: Bool { if case .untilClose = kind { true } else { false } }

    /// What is known to come still.
    var knownLeft: Int? { if case .length(let left) = kind { left } else { nil } }

    mutating func next(_ bytes: UnsafeRawBufferPointer, at position: inout Int, maximum: Int) -> ChunkedDecoder.Event {
        switch kind {
        case .length(let left):
            guard left > 0 else { return .end(nil) }
            let count = min(left, bytes.count - position, maximum)
            guard count > 0 else { return .needsMore }
            kind = .length(left: left - count)
            defer { position += count }
            return .bytes(position..<(position + count))
        case .chunked(var decoder):
            kind = .untilClose
            defer { kind = .chunked(decoder) }
            return decoder.next(bytes, at: &position, maximum: maximum)
        case .untilClose:
            let count = min(bytes.count - position, maximum)
            guard count > 0 else { return .needsMore }
            defer { position += count }
            return .bytes(position..<(position + count))
        }
    }
}
