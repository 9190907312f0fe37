/// Moves a stream's queued bytes to a connection's output in the form that was agreed on.
struct HTTP1BodyWriter {
    private(set) var framing = HTTP1Framing.none
    private var left = 0

    init(_ framing: HTTP1Framing) {
        self.framing = framing
        if case .length(let length) = framing { left = length }
    }

    /// Moves one piece. There must be something to move.
    /// - Returns: false where there is more than was promised.
    mutating func move(from stream: HTTPStream, to output: inout OutputBuffer) -> Bool {
        let count = min(stream.queuedBytes, OutputBuffer.comfortable)
        switch framing {
        case .none:
            stream.outbound.removeAll()
            return true
        case .length:
            guard count <= left else { return false }
            left -= count
            stream.outbound.move(to: output.reserve(count), count: count)
        case .chunked:
            HTTP1Writer.append(chunkOf: count, to: &output)
            stream.outbound.move(to: output.reserve(count), count: count)
            output.append("\r\n")
        case .untilClose: stream.outbound.move(to: output.reserve(count), count: count)
        }
        return true
    }

    /// Marks the body's end.
    /// - Returns: false where there was less than was promised.
    mutating func finish(_ trailers: HeaderFields?, to output: inout OutputBuffer) -> Bool {
        if case .length = framing { return left == 0 }
        if framing == .chunked { HTTP1Writer.append(lastChunkWith: trailers, to: &output) }
        return true
    }
}

/// Bytes that came and could not be dealt with yet.
struct HTTP1Backlog {
    private var bytes: [UInt8] = []
    private var start = 0

    var isEmpty: Bool { bytes.isEmpty }

    mutating func append(_ more: UnsafeRawBufferPointer) { bytes.append(contentsOf: more) }

    /// Hands everything over and is empty.
    mutating func take() -> HTTP1Backlog {
        defer { self = HTTP1Backlog() }
        return self
    }

    /// - Returns: what `body` did not deal with.
    consuming func worked(off body: (UnsafeRawBufferPointer) -> Int) -> HTTP1Backlog {
        let used = bytes.withUnsafeBytes { body($0.part(start..<$0.count)) }
        start += used
        if start == bytes.count { return HTTP1Backlog() }
        if start > bytes.count / 2 {
            bytes.removeFirst(start)
            start = 0
        }
        return self
    }
}
