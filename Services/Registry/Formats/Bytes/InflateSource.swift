internal import CZlib

/// What a deflated stream unfolds to. Bytes unfolded count against a budget of their own, so that a small file that
/// unfolds to gigabytes costs no more than any other.
final class InflateSource: ByteSource {
    enum Wrapping {
        /// As in zip archives: one stream, without a header.
        case raw
        /// zlib or gzip by their headers, one or several streams behind each other.
        case zlibOrGzip
    }

    private let input: any ByteSource
    private let budget: ByteBudget
    private let wrapping: Wrapping
    private let stream: UnsafeMutablePointer<z_stream>
    private var pending: [UInt8] = []
    private var isStarted = false
    private var isAtEnd = false
    private var hasOutput = false

    init(_ input: any ByteSource, _ wrapping: Wrapping, budget: ByteBudget) {
        self.input = input
        self.budget = budget
        self.wrapping = wrapping
        stream = .allocate(capacity: 1)
        stream.initialize(to: z_stream())
    }

    deinit {
        if isStarted { inflateEnd(stream) }
        stream.deinitialize(count: 1)
        stream.deallocate()
    }

    func next(_ count: Int) throws -> [UInt8] {
        guard count > 0, !isAtEnd else { return [] }
        try start()
        let granted = try budget.grant(count)
        let output = try unfold(granted)
        budget.refund(granted - output.count)
        return output
    }

    private func unfold(_ granted: Int) throws -> [UInt8] {
        while !isAtEnd {
            if pending.isEmpty {
                pending = try input.next(16 << 10)
                if pending.isEmpty {
                    isAtEnd = true
                    if hasOutput && wrapping == .zlibOrGzip && !isInsideStream { return [] }
                    throw FormatError(.truncated, "a compressed stream ends too early")
                }
            }
            let output = try inflateOnce(granted)
            if !output.isEmpty {
                hasOutput = true
                return output
            }
        }
        return []
    }

    func skip(_ count: Int) throws {
        var left = count
        while left > 0 {
            let bytes = try next(min(left, 64 << 10))
            guard !bytes.isEmpty else { throw FormatError(.truncated, "a compressed stream ends too early") }
            left -= bytes.count
        }
    }

    /// False between two streams: the input may end there.
    private var isInsideStream = true

    private func start() throws {
        guard !isStarted else { return }
        let bits: CInt = wrapping == .raw ? -15 : 15 + 32
        let version = ZLIB_VERSION
        guard inflateInit2_(stream, bits, version, CInt(MemoryLayout<z_stream>.size)) == Z_OK else {
            throw FormatError(.unsupported, "a compressed stream cannot be opened")
        }
        isStarted = true
    }

    /// Unfolds what is pending into at most `count` bytes, and keeps what was not used.
    private func inflateOnce(_ count: Int) throws -> [UInt8] {
        var status = Z_OK
        var used = 0
        let output = [UInt8](unsafeUninitializedCapacity: count) { buffer, written in
            pending.withUnsafeMutableBufferPointer { source in
                stream.pointee.next_in = source.baseAddress
                stream.pointee.avail_in = UInt32(clamping: source.count)
                stream.pointee.next_out = buffer.baseAddress
                stream.pointee.avail_out = UInt32(clamping: count)
                status = inflate(stream, Z_NO_FLUSH)
                used = source.count - Int(stream.pointee.avail_in)
            }
            written = count - Int(stream.pointee.avail_out)
        }
        pending.removeFirst(used)
        isInsideStream = true
        switch status {
        case Z_STREAM_END:
            isInsideStream = false
            if wrapping == .raw { isAtEnd = true } else { inflateReset(stream) }
        case Z_OK: break
        case Z_BUF_ERROR where used > 0 || pending.isEmpty: break
        default:
            isAtEnd = true
            // Bytes behind the last stream that begin no other one are not for those who unfold it.
            if hasOutput || !output.isEmpty { if stream.pointee.total_out == 0 { return output } }
            throw FormatError(.malformed, "a compressed stream is damaged")
        }
        return output
    }
}
