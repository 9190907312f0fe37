import CZlib

/// How messages are compressed.
public enum Compression: String, Sendable, CaseIterable {
    case identity
    case gzip
}

enum Gzip {
    enum Failure: Error, Equatable {
        case damaged
        case tooLarge(limit: Int)
    }

    /// Compresses behind `prefix` free bytes.
    static func compress(_ bytes: ArraySlice<UInt8>, prefix: Int = 0) throws -> [UInt8] {
        var stream = z_stream()
        guard slipway_deflate_gzip(&stream, Z_DEFAULT_COMPRESSION) == Z_OK else { throw Failure.damaged }
        defer { deflateEnd(&stream) }
        let bound = Int(deflateBound(&stream, UInt(bytes.count)))
        return try bytes.withUnsafeBufferPointer { input in
            try [UInt8](unsafeUninitializedCapacity: prefix + bound) { output, count in
                output.baseAddress?.initialize(repeating: 0, count: prefix)
                stream.next_in = UnsafeMutablePointer(mutating: input.baseAddress)
                stream.avail_in = UInt32(input.count)
                stream.next_out = output.baseAddress.map { $0 + prefix }
                stream.avail_out = UInt32(bound)
                guard deflate(&stream, Z_FINISH) == Z_STREAM_END else { throw Failure.damaged }
                count = prefix + bound - Int(stream.avail_out)
            }
        }
    }

    /// Decompresses at most `limit` bytes: a small message may unfold to gigabytes.
    static func decompress(_ bytes: ArraySlice<UInt8>, limit: Int) throws -> [UInt8] {
        if bytes.isEmpty { return [] }
        var stream = z_stream()
        guard slipway_inflate_gzip(&stream) == Z_OK else { throw Failure.damaged }
        defer { inflateEnd(&stream) }
        var result: [UInt8] = []
        return try bytes.withUnsafeBufferPointer { input in
            stream.next_in = UnsafeMutablePointer(mutating: input.baseAddress)
            stream.avail_in = UInt32(input.count)
            var status = Z_OK
            while status != Z_STREAM_END {
                // One byte over the limit is enough to know.
                let room = min(max(16 * 1024, result.count), 4 * 1024 * 1024, limit - result.count + 1)
                let produced = try [UInt8](unsafeUninitializedCapacity: room) { output, count in
                    stream.next_out = output.baseAddress
                    stream.avail_out = UInt32(room)
                    status = inflate(&stream, Z_NO_FLUSH)
                    guard status == Z_OK || status == Z_STREAM_END else { throw Failure.damaged }
                    count = room - Int(stream.avail_out)
                }
                guard result.count + produced.count <= limit else { throw Failure.tooLarge(limit: limit) }
                // Nothing more comes out and the end was not reached: the input was cut short.
                if produced.isEmpty && status != Z_STREAM_END { throw Failure.damaged }
                result += produced
            }
            guard stream.avail_in == 0 else { throw Failure.damaged }
            return result
        }
    }
}
