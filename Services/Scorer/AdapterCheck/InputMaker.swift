import AdapterContracts
import Glibc
import Protobuf
import Serving

/// Makes inputs from a model's description; the same seed makes the same.
struct InputMaker {
    private var state: UInt64
    /// What a dimension without a size is given, unless it is the batch.
    static let openDimension = 3

    init(seed: UInt64) { state = seed &+ 0x9e37_79b9_7f4a_7c15 }

    mutating func make(_ description: Slipway.Adapter.V1.TensorDescription, rows: Int) -> Tensor {
        var shape = description.shape.map { $0 < 0 ? InputMaker.openDimension : Int($0) }
        if description.shape.first == -1 { shape[0] = rows }
        // A model that does not say takes what most do.
        let datatype = Datatype(rawValue: description.datatype.rawValue) ?? .fp32
        return make(description.name, datatype, shape)
    }

    mutating func make(_ name: String, _ datatype: Datatype, _ shape: [Int]) -> Tensor {
        let count = Tensor.elementCount(shape) ?? 0
        var contents: [UInt8] = []
        contents.reserveCapacity(count * (datatype.elementBytes ?? 8))
        for _ in 0..<count { append(datatype, to: &contents) }
        return Tensor(name: name, datatype: datatype, shape: shape, contents: contents[...])
    }

    /// The same numbers in every datatype; of BYTES their texts.
    static func zerosAndOnes(_ name: String, _ datatype: Datatype, _ shape: [Int]) -> Tensor {
        let one: [UInt8] =
            switch datatype {
            case .bool, .uint8, .int8: [1]
            case .uint16, .int16: [1, 0]
            case .uint32, .int32: [1, 0, 0, 0]
            case .uint64, .int64: [1, 0, 0, 0, 0, 0, 0, 0]
            case .fp16: [0, 0x3c]
            case .bf16: [0x80, 0x3f]
            case .fp32: [0, 0, 0x80, 0x3f]
            case .fp64: [0, 0, 0, 0, 0, 0, 0xf0, 0x3f]
            case .bytes: [1, 0, 0, 0, UInt8(ascii: "1")]
            }
        let zero = datatype == .bytes ? [1, 0, 0, 0, UInt8(ascii: "0")] : [UInt8](repeating: 0, count: one.count)
        let contents = (0..<(Tensor.elementCount(shape) ?? 0)).flatMap { $0 % 2 == 0 ? one : zero }
        return Tensor(name: name, datatype: datatype, shape: shape, contents: contents[...])
    }

    /// Small numbers: they are indices as well as measurements to some model or other.
    private mutating func append(_ datatype: Datatype, to contents: inout [UInt8]) {
        let number = next()
        let real = Double(number % 2001) / 1000 - 1
        switch datatype {
        case .bool: contents.append(UInt8(number & 1))
        case .uint8, .int8: contents.append(UInt8(number % 4))
        case .uint16, .int16: bytes(UInt16(number % 4), &contents)
        case .uint32, .int32: bytes(UInt32(number % 4), &contents)
        case .uint64, .int64: bytes(number % 4, &contents)
        case .fp16: bytes(UInt16(0x3800 + number % 0x400), &contents)
        case .bf16: bytes(UInt16(truncatingIfNeeded: Float(real).bitPattern >> 16), &contents)
        case .fp32: bytes(Float(real).bitPattern, &contents)
        case .fp64: bytes(real.bitPattern, &contents)
        case .bytes:
            let text = Array("text \(number % 100)".utf8)
            bytes(UInt32(text.count), &contents)
            contents.append(contentsOf: text)
        }
    }

    private func bytes(_ value: some FixedWidthInteger, _ contents: inout [UInt8]) {
        withUnsafeBytes(of: value.littleEndian) { contents.append(contentsOf: $0) }
    }

    private mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
        return mixed ^ (mixed >> 31)
    }
}

extension Tensor {
    /// Its first row, as often as asked; nothing where it has no row.
    func repeated(_ rows: Int) -> Tensor? {
        guard let row = row(0) else { return nil }
        var contents: [UInt8] = []
        for _ in 0..<rows { contents.append(contentsOf: row.contents) }
        return Tensor(name: name, datatype: datatype, shape: [rows] + shape.dropFirst(), contents: contents[...])
    }

    /// One row along the first dimension; nothing where there is none such.
    func row(_ index: Int) -> Tensor? {
        guard let rows = shape.first, index < rows, let elements = Tensor.elementCount(Array(shape.dropFirst())) else {
            return nil
        }
        var tensor = self
        tensor.shape[0] = 1
        if let width = datatype.elementBytes {
            let start = contents.startIndex + index * elements * width
            tensor.contents = contents[start..<start + elements * width]
            return tensor
        }
        let offsets = elementOffsets
        guard offsets.count > (index + 1) * elements else { return nil }
        tensor.contents = contents[offsets[index * elements]..<offsets[(index + 1) * elements]]
        return tensor
    }

    /// Of BYTES: where each element begins, and where the last one ends.
    private var elementOffsets: [Int] {
        var offsets: [Int] = []
        var offset = contents.startIndex
        while contents.endIndex - offset >= 4 {
            offsets.append(offset)
            let length = (0..<4).reduce(0) { $0 | Int(contents[offset + $1]) << (8 * $1) }
            offset += 4 + length
        }
        return offsets + [offset]
    }

    /// How far the numbers of two answers are apart, relative to the larger; nothing where they cannot be compared.
    func distance(to other: Tensor) -> Double? {
        guard datatype == other.datatype, contents.count == other.contents.count else { return nil }
        switch datatype {
        case .fp32:
            return distance(to: other, UInt32.self) { Double(Float(bitPattern: $0)) }
        case .fp64:
            return distance(to: other, UInt64.self) { Double(bitPattern: $0) }
        default: return contents == other.contents ? 0 : nil
        }
    }

    private func distance<Bits: FixedWidthInteger>(
        to other: Tensor, _ type: Bits.Type, _ value: (Bits) -> Double
    ) -> Double {
        contents.withUnsafeBytes { left in
            other.contents.withUnsafeBytes { right in
                stride(from: 0, to: left.count, by: MemoryLayout<Bits>.size).reduce(0) { largest, offset in
                    let mine = left.loadUnaligned(fromByteOffset: offset, as: Bits.self)
                    let theirs = right.loadUnaligned(fromByteOffset: offset, as: Bits.self)
                    guard mine != theirs else { return largest }
                    let (a, b) = (value(mine), value(theirs))
                    guard a.isFinite, b.isFinite else { return .infinity }
                    return max(largest, abs(a - b) / max(abs(a), abs(b), 1))
                }
            }
        }
    }
}
