/// Reads the header of a safetensors file: names, types and shapes, and no weight.
struct SafetensorsReader {
    private(set) var description = ModelDescription()
    let limits: RecognitionLimits

    init(limits: RecognitionLimits) { self.limits = limits }

    /// Whether the first eight bytes are a length of a header that fits into the file and begins as an object.
    static func isPlausible(_ head: [UInt8], size: Int) -> Bool {
        guard head.count > 9, head[8] == UInt8(ascii: "{") else { return false }
        let length = head[..<8].reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        return length >= 2 && length <= UInt64(size - 8)
            && (head[9] == UInt8(ascii: "\"") || head[9] == UInt8(ascii: "}"))
    }

    mutating func read(_ cursor: ByteCursor, size: Int) throws {
        let length = try cursor.littleEndian(UInt64.self)
        guard length <= UInt64(limits.headerBytesMax) else {
            throw FormatError(.limit, "the header is too long", at: 0)
        }
        let dataSize = size - 8 - Int(length)
        let header = JSONScanner(cursor, limits: limits)
        _ = try header.object { name in
            if name == "__metadata__" {
                _ = try header.object { key in
                    let value = try header.text()
                    if description.properties.count < 1000 { description.properties[key] = value }
                }
            } else {
                try tensor(name, header, dataSize: dataSize)
            }
        }
        guard cursor.offset <= 8 + Int(length) else {
            throw cursor.failure(.malformed, "the header is longer than it says")
        }
    }

    private mutating func tensor(_ name: String, _ header: JSONScanner, dataSize: Int) throws {
        var tensor = ModelTensor(name, "")
        var offsets: [Int] = []
        _ = try header.object { member in
            switch member {
            case "dtype":
                tensor.declaredType = try header.text()
                tensor.elementType = ElementType.openInference(tensor.declaredType)
            case "shape": tensor.shape = try header.scalars(64).compactMap(\.integer).map { ModelDimension($0) }
            case "data_offsets": offsets = try header.scalars(2).compactMap(\.integer)
            default: try header.skip()
            }
        }
        description.weights.add(tensor, keeping: limits.listCountMax)
        guard offsets.count == 2, offsets[0] >= 0, offsets[0] <= offsets[1] else {
            throw FormatError(.malformed, "the tensor \"\(name.prefix(100))\" has no possible place")
        }
        guard offsets[1] <= dataSize else {
            throw FormatError(.truncated, "the tensor \"\(name.prefix(100))\" ends behind the end of the file")
        }
    }
}
