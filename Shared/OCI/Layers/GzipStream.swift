internal import CZlib

/// Compresses a stream; the same bytes at the same level give the same bytes, however they were cut, since nothing of the
/// machine or the time goes into the wrapper.
final class GzipWriter {
    private var stream = z_stream()
    private let room: Int

    init(level: Int32, room: Int = 1 << 16) throws(OCIError) {
        self.room = room
        guard slipway_deflate_gzip(&stream, level) == Z_OK else { throw OCIError(.resources, "no memory to compress") }
    }

    deinit { deflateEnd(&stream) }

    func write(_ bytes: ArraySlice<UInt8>, into output: inout [UInt8]) throws(OCIError) {
        try run(bytes, Z_NO_FLUSH, into: &output)
    }

    func finish(into output: inout [UInt8]) throws(OCIError) { try run([], Z_FINISH, into: &output) }

    private func run(_ bytes: ArraySlice<UInt8>, _ flush: Int32, into output: inout [UInt8]) throws(OCIError) {
        let failed = bytes.withUnsafeBufferPointer { input -> Bool in
            stream.next_in = UnsafeMutablePointer(mutating: input.baseAddress)
            stream.avail_in = UInt32(input.count)
            var status = Z_OK
            repeat {
                output += [UInt8](unsafeUninitializedCapacity: room) { buffer, count in
                    stream.next_out = buffer.baseAddress
                    stream.avail_out = UInt32(room)
                    status = deflate(&stream, flush)
                    count = room - Int(stream.avail_out)
                }
            } while stream.avail_out == 0 || (flush == Z_FINISH && status == Z_OK)
            return status == Z_STREAM_ERROR || (flush == Z_FINISH && status != Z_STREAM_END)
        }
        if failed { throw OCIError(.resources, "the compressor failed") }
    }
}

/// Unfolds a gzip stream, piece by piece and never more than asked: a small layer may unfold to terabytes.
public final class GzipReader {
    private var stream = z_stream()
    private var left: Int64
    private let limit: Int64
    private let room: Int
    /// Whether the stream's end came.
    public private(set) var isDone = false

    /// - Parameter limit: bytes that it may unfold to.
    public init(limit: Int64, room: Int = 1 << 16) throws(OCIError) {
        self.limit = limit
        left = limit
        self.room = room
        guard slipway_inflate_gzip(&stream) == Z_OK else { throw OCIError(.resources, "no memory to decompress") }
    }

    deinit { inflateEnd(&stream) }

    /// Hands on what comes out of these bytes.
    /// - Throws: `OCIError` `.malformed` or `.tooLarge`, and what `body` throws.
    public func read(_ bytes: ArraySlice<UInt8>, _ body: (ArraySlice<UInt8>) throws -> Void) throws {
        try bytes.withUnsafeBufferPointer { input in
            stream.next_in = UnsafeMutablePointer(mutating: input.baseAddress)
            stream.avail_in = UInt32(input.count)
            while !isDone {
                var status = Z_OK
                let piece = [UInt8](unsafeUninitializedCapacity: room) { buffer, count in
                    stream.next_out = buffer.baseAddress
                    stream.avail_out = UInt32(room)
                    status = inflate(&stream, Z_NO_FLUSH)
                    count = room - Int(stream.avail_out)
                }
                guard status == Z_OK || status == Z_STREAM_END || status == Z_BUF_ERROR else {
                    throw OCIError(.malformed, "the layer is not gzip, or is damaged")
                }
                left -= Int64(piece.count)
                guard left >= 0 else { throw OCIError(.tooLarge, "the layer unfolds to more than \(limit) bytes") }
                isDone = status == Z_STREAM_END
                if !piece.isEmpty { try body(piece[...]) }
                if piece.count < room { break }
            }
        }
    }
}
