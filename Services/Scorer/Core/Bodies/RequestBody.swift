import CZlib
import HTTP
import Protobuf

/// A request's body as a whole.
enum RequestBody {
    /// Reads the body, and unpacks it where it came compressed.
    /// - Parameter limit: the most bytes, before and after unpacking.
    /// - Throws: `HTTPExchangeError.bodyTooLarge`, `HTTPFailure` for a coding that is unknown or damaged.
    static func collect(_ request: HTTPRequest, limit: Int) async throws -> Bytes {
        let fields = request.head.fields
        let promised = fields["content-length"].flatMap { Int($0) }
        if let promised, promised > limit { throw HTTPExchangeError.bodyTooLarge(limit: limit) }
        var bytes: [UInt8] = []
        var isFirst = true
        for try await chunk in request.body {
            guard chunk.count <= limit - bytes.count else { throw HTTPExchangeError.bodyTooLarge(limit: limit) }
            if isFirst {
                isFirst = false
                if chunk.count == promised {
                    bytes = Array(chunk)
                    continue
                }
                // What is promised is believed as far as something came: nobody reserves what they do not send.
                bytes.reserveCapacity(min(promised ?? 0, max(chunk.count * 16, 256 * 1024)))
            }
            bytes.append(contentsOf: chunk)
        }
        switch fields["content-encoding"]?.lowercased() {
        case nil, "", "identity": return bytes[...]
        case "gzip"?, "x-gzip"?, "deflate"?: return try Inflation.unpack(bytes, limit: limit)[...]
        case let coding?:
            throw HTTPFailure(
                status: 415, code: "invalid_argument",
                message: "the content-encoding \"\(coding)\" is not known here; gzip and deflate are",
                fields: ["accept-encoding": "gzip, deflate"])
        }
    }
}

/// Undoes `gzip` and `deflate`. The latter comes in zlib's wrapper, as the standard has it, or bare, as some send it.
enum Inflation {
    static func unpack(_ bytes: [UInt8], limit: Int) throws -> [UInt8] {
        let isWrapped =
            bytes.count >= 2
            && (bytes[0] == 0x1f && bytes[1] == 0x8b
                || bytes[0] & 0x0f == 8 && (Int(bytes[0]) << 8 | Int(bytes[1])).isMultiple(of: 31))
        var stream = z_stream()
        let status = isWrapped ? slipway_inflate_wrapped(&stream) : slipway_inflate_bare(&stream)
        guard status == Z_OK else { throw damaged }
        defer { inflateEnd(&stream) }
        guard bytes.count <= Int(UInt32.max) else { throw HTTPExchangeError.bodyTooLarge(limit: limit) }
        return try bytes.withUnsafeBufferPointer { input in
            stream.next_in = UnsafeMutablePointer(mutating: input.baseAddress)
            stream.avail_in = UInt32(input.count)
            return try run(&stream, limit: limit)
        }
    }

    private static func run(_ stream: inout z_stream, limit: Int) throws -> [UInt8] {
        var result: [UInt8] = []
        var status = Z_OK
        while status != Z_STREAM_END {
            // One byte over the limit is enough to know; a small body may unfold to gigabytes.
            let room = min(max(64 * 1024, result.count), 4 * 1024 * 1024, limit - result.count + 1)
            let produced = try [UInt8](unsafeUninitializedCapacity: room) { output, count in
                stream.next_out = output.baseAddress
                stream.avail_out = UInt32(room)
                status = inflate(&stream, Z_NO_FLUSH)
                guard status == Z_OK || status == Z_STREAM_END else { throw damaged }
                count = room - Int(stream.avail_out)
            }
            guard result.count + produced.count <= limit else { throw HTTPExchangeError.bodyTooLarge(limit: limit) }
            if produced.isEmpty, status != Z_STREAM_END { throw damaged }
            result += produced
        }
        guard stream.avail_in == 0 else { throw damaged }
        return result
    }

    private static var damaged: HTTPFailure {
        HTTPFailure(
            status: 400, code: "invalid_argument", message: "the body is not what its content-encoding says")
    }
}
