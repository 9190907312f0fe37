/// Rows in the server's binary format for COPY, one batch at a time.
struct CopyBatch {
    /// So much goes with one COPY; what one of them breaks is known at its end.
    static let bytesMax = 1 << 20
    private static let signature: [UInt8] = Array("PGCOPY\n".utf8) + [0xFF, 0x0D, 0x0A, 0x00]

    private(set) var bytes: [UInt8] = []
    private(set) var count = 0

    init() { start() }

    var isFull: Bool { bytes.count >= CopyBatch.bytesMax }

    private mutating func start() {
        bytes.reserveCapacity(CopyBatch.bytesMax + 4096)
        bytes += CopyBatch.signature
        // No flags, no extension of the header.
        bytes.appendBigEndian(Int64(0))
    }

    mutating func append<each Column: PostgresEncodable>(_ row: repeat each Column) {
        var columns: Int16 = 0
        let start = bytes.count
        bytes.appendBigEndian(columns)
        repeat append(value: each row, &columns)
        store(columns, at: start)
        count += 1
    }

    private mutating func append<Value: PostgresEncodable>(value: Value, _ columns: inout Int16) {
        columns += 1
        let start = bytes.count
        bytes.appendBigEndian(Int32(-1))
        guard !value.isNull else { return }
        value.encode(into: &bytes)
        store(Int32(truncatingIfNeeded: bytes.count - start - 4), at: start)
    }

    private mutating func store(_ value: some FixedWidthInteger, at offset: Int) {
        bytes.withUnsafeMutableBytes { $0.storeBytes(of: value.bigEndian, toByteOffset: offset, as: type(of: value)) }
    }

    /// The whole batch with its end; the next one begins.
    mutating func take() -> [UInt8] {
        bytes.appendBigEndian(Int16(-1))
        defer {
            bytes = []
            count = 0
            start()
        }
        return bytes
    }
}
