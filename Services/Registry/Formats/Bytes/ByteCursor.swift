/// Reads a source byte by byte through a buffer. Passing over much leaves the source unread.
final class ByteCursor {
    private let source: any ByteSource
    private var buffer: [UInt8] = []
    private var index = 0
    private var base = 0
    private var chunk = ByteCursor.chunkMin

    /// After a jump only a little is read: the next jump may follow at once.
    private static let chunkMin = 4 << 10
    private static let chunkMax = 64 << 10

    init(_ source: any ByteSource) { self.source = source }

    convenience init(_ bytes: [UInt8]) { self.init(MemorySource(bytes)) }

    /// How many bytes were read or passed over.
    var offset: Int { base + index }

    func failure(_ code: FormatError.Code, _ reason: String) -> FormatError { FormatError(code, reason, at: offset) }

    @inline(__always)
    func peek() throws -> UInt8? {
        if index < buffer.count { return buffer[index] }
        return try fill() ? buffer[index] : nil
    }

    @inline(__always)
    func byteIfAny() throws -> UInt8? {
        guard let byte = try peek() else { return nil }
        index += 1
        return byte
    }

    @inline(__always)
    func byte() throws -> UInt8 {
        guard let byte = try byteIfAny() else { throw failure(.truncated, "the input ends too early") }
        return byte
    }

    /// Exactly `count` bytes. Memory grows only with bytes that exist, so a lying length costs nothing.
    func bytes(_ count: Int) throws -> [UInt8] {
        guard count >= 0 else { throw failure(.malformed, "a length is negative") }
        var result: [UInt8] = []
        while result.count < count {
            guard try peek() != nil else { throw failure(.truncated, "the input ends too early") }
            let piece = min(count - result.count, buffer.count - index)
            result.append(contentsOf: buffer[index..<index + piece])
            index += piece
        }
        return result
    }

    func skip(_ count: Int) throws {
        guard count >= 0 else { throw failure(.malformed, "a length is negative") }
        let buffered = buffer.count - index
        if count <= buffered {
            index += count
            return
        }
        let (target, overflow) = offset.addingReportingOverflow(count)
        guard !overflow else { throw failure(.truncated, "the input ends too early") }
        do { try source.skip(count - buffered) } catch var error as FormatError {
            error.offset = offset
            throw error
        }
        base = target
        buffer = []
        index = 0
        chunk = Self.chunkMin
    }

    func littleEndian<T: FixedWidthInteger>(_ type: T.Type) throws -> T {
        var value: T = 0
        for shift in 0..<MemoryLayout<T>.size { value |= T(truncatingIfNeeded: try byte()) << T(shift * 8) }
        return value
    }

    func bigEndian<T: FixedWidthInteger>(_ type: T.Type) throws -> T {
        T(bigEndian: T(littleEndian: try littleEndian(type)))
    }

    /// The bytes up to a line feed, which is taken and left off; nil at the end of the input.
    ///
    /// What is longer than `countMax` is cut, and the rest of the line passed over.
    func line(keeping countMax: Int) throws -> (bytes: [UInt8], isCut: Bool, isEnded: Bool)? {
        guard try peek() != nil else { return nil }
        var line: [UInt8] = []
        var isCut = false
        while let byte = try byteIfAny() {
            if byte == 0x0a { return (line, isCut, true) }
            if line.count < countMax { line.append(byte) } else { isCut = true }
        }
        return (line, isCut, false)
    }

    private func fill() throws -> Bool {
        let next: [UInt8]
        do { next = try source.next(chunk) } catch var error as FormatError {
            error.offset = offset
            throw error
        }
        base += buffer.count
        buffer = next
        index = 0
        chunk = min(chunk * 2, Self.chunkMax)
        return !next.isEmpty
    }
}
