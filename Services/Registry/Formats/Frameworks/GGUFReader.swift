/// Reads the first facts of a GGUF file: its version, how many tensors it has, architecture and name.
struct GGUFReader {
    private(set) var description = ModelDescription()
    let limits: RecognitionLimits

    init(limits: RecognitionLimits) { self.limits = limits }

    static func isPlausible(_ head: [UInt8]) -> Bool { head.starts(with: Array("GGUF".utf8)) }

    mutating func read(_ cursor: ByteCursor) throws {
        try cursor.skip(4)
        let version = try cursor.littleEndian(UInt32.self)
        guard (2...3).contains(version) else { throw cursor.failure(.unsupported, "version \(version) is not read") }
        description.formatVersion = String(version)
        description.weights.tensorCount = Int(clamping: try cursor.littleEndian(UInt64.self))
        let count = try cursor.littleEndian(UInt64.self)
        var index: UInt64 = 0
        while index < min(count, UInt64(limits.listCountMax)) {
            index += 1
            let key = try text(cursor)
            let type = try cursor.littleEndian(UInt32.self)
            guard let value = try value(type, cursor) else { continue }
            if key.hasPrefix("general."), description.properties.count < 100 { description.properties[key] = value }
        }
    }

    private func text(_ cursor: ByteCursor) throws -> String {
        let count = try cursor.littleEndian(UInt64.self)
        guard count <= UInt64(limits.textBytesMax) else { throw cursor.failure(.limit, "a text is too long") }
        return String(decoding: try cursor.bytes(Int(count)), as: UTF8.self)
    }

    /// The text of a scalar; a list is passed over and nil.
    private func value(_ type: UInt32, _ cursor: ByteCursor) throws -> String? {
        switch type {
        case 0: return String(try cursor.byte())
        case 1: return String(Int8(bitPattern: try cursor.byte()))
        case 2: return String(try cursor.littleEndian(UInt16.self))
        case 3: return String(try cursor.littleEndian(Int16.self))
        case 4: return String(try cursor.littleEndian(UInt32.self))
        case 5: return String(try cursor.littleEndian(Int32.self))
        case 6: return String(Float(bitPattern: try cursor.littleEndian(UInt32.self)))
        case 7: return try cursor.byte() == 0 ? "false" : "true"
        case 8: return try text(cursor)
        case 10: return String(try cursor.littleEndian(UInt64.self))
        case 11: return String(try cursor.littleEndian(Int64.self))
        case 12: return String(Double(bitPattern: try cursor.littleEndian(UInt64.self)))
        case 9:
            try skipList(cursor)
            return nil
        default: throw cursor.failure(.malformed, "a value has an unknown type")
        }
    }

    private func skipList(_ cursor: ByteCursor) throws {
        let type = try cursor.littleEndian(UInt32.self)
        let count = try cursor.littleEndian(UInt64.self)
        if type == 8 {
            var index: UInt64 = 0
            while index < count {
                let length = try cursor.littleEndian(UInt64.self)
                try cursor.skip(Int(clamping: length))
                index += 1
            }
            return
        }
        let sizes: [UInt32: UInt64] = [0: 1, 1: 1, 2: 2, 3: 2, 4: 4, 5: 4, 6: 4, 7: 1, 10: 8, 11: 8, 12: 8]
        guard let size = sizes[type] else { throw cursor.failure(.unsupported, "a list has elements of another kind") }
        let (bytes, overflow) = count.multipliedReportingOverflow(by: size)
        guard !overflow else { throw cursor.failure(.malformed, "a list is longer than any file") }
        try cursor.skip(Int(clamping: bytes))
    }
}
