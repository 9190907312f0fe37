internal import CZlib

extension ZipEntry {
    /// Hands on the contents in pieces, unfolded where they are folded, and checked: neither more nor fewer bytes than the
    /// directory says, and with its checksum.
    ///
    /// - Parameters:
    ///   - size: of the archive.
    ///   - read: bytes of a range of the archive.
    /// - Throws: `ZipError`, and what `read` and `body` throw.
    package func unfold(
        size fileSize: Int, read: ZipDirectory.Read, _ body: (ArraySlice<UInt8>) throws -> Void
    ) throws {
        guard !isEncrypted else { throw ZipError(.unsupported, "the entry \"\(name)\" is encrypted") }
        let range = try ZipDirectory.contents(of: self, size: fileSize, read: read)
        var (left, sum) = (size, crc32(0, nil, 0))
        func hand(_ piece: ArraySlice<UInt8>) throws {
            left -= piece.count
            guard left >= 0 else {
                throw ZipError(.malformed, "the entry \"\(name)\" has more bytes than the directory says")
            }
            sum = piece.withUnsafeBufferPointer { crc32(sum, $0.baseAddress, UInt32($0.count)) }
            try body(piece)
        }
        switch method {
        case 0: try Self.pieces(range, read) { try hand($0[...]) }
        case 8:
            let inflater = try RawInflater()
            try Self.pieces(range, read) { piece in
                guard try inflater.read(piece[...], hand) else {
                    throw ZipError(.malformed, "the entry \"\(name)\" is damaged")
                }
            }
            guard inflater.isDone else { throw ZipError(.truncated, "the entry \"\(name)\" ends too early") }
        default: throw ZipError(.unsupported, "the entry \"\(name)\" is folded by method \(method)")
        }
        guard left == 0, UInt32(truncatingIfNeeded: sum) == checksum else {
            throw ZipError(.malformed, "the entry \"\(name)\" is not what its checksum says")
        }
    }

    private static func pieces(
        _ range: Range<Int>, _ read: ZipDirectory.Read, _ body: ([UInt8]) throws -> Void
    ) throws {
        var position = range.lowerBound
        while position < range.upperBound {
            let piece = try read(position..<min(position + (256 << 10), range.upperBound))
            guard !piece.isEmpty else { throw ZipError(.truncated, "the archive ends too early") }
            try body(piece)
            position += piece.count
        }
    }
}

/// One deflated stream without a wrapper.
private final class RawInflater {
    private var stream = z_stream()
    private(set) var isDone = false
    private static let room = 64 << 10

    init() throws(ZipError) {
        let version = ZLIB_VERSION
        guard inflateInit2_(&stream, -15, version, CInt(MemoryLayout<z_stream>.size)) == Z_OK else {
            throw ZipError(.limit, "no memory to decompress")
        }
    }

    deinit { inflateEnd(&stream) }

    /// Hands on what comes out of these bytes. False where they are damaged, or go on behind the end.
    func read(_ bytes: ArraySlice<UInt8>, _ body: (ArraySlice<UInt8>) throws -> Void) throws -> Bool {
        guard !isDone else { return false }
        return try bytes.withUnsafeBufferPointer { input in
            stream.next_in = UnsafeMutablePointer(mutating: input.baseAddress)
            stream.avail_in = UInt32(input.count)
            while !isDone {
                var status = Z_OK
                let piece = [UInt8](unsafeUninitializedCapacity: Self.room) { buffer, count in
                    stream.next_out = buffer.baseAddress
                    stream.avail_out = UInt32(Self.room)
                    status = inflate(&stream, Z_NO_FLUSH)
                    count = Self.room - Int(stream.avail_out)
                }
                guard status == Z_OK || status == Z_STREAM_END || status == Z_BUF_ERROR else { return false }
                isDone = status == Z_STREAM_END
                if !piece.isEmpty { try body(piece[...]) }
                if piece.count < Self.room { break }
            }
            return !isDone || stream.avail_in == 0
        }
    }
}
