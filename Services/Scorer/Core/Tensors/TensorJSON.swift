import Protobuf
import Serving

/// Writes tensors as JSON.
extension JSONOutput {
    /// The elements as one flat list, as the inference protocol has it.
    mutating func flat(_ tensor: Tensor) { tensor.contents.withUnsafeBytes { elements(of: tensor, $0) } }

    /// The elements in lists nested by the tensor's shape; a single one without dimensions stands alone.
    mutating func nested(_ tensor: Tensor) {
        tensor.contents.withUnsafeBytes { bytes in
            var reader = ElementReader(tensor, bytes)
            nested(&reader, tensor.shape[...])
        }
    }

    /// One entry along the first dimension.
    /// - Parameter reader: stands at the entry's first element, and behind its last one afterwards.
    mutating func nested(_ reader: inout ElementReader, _ shape: ArraySlice<Int>) {
        guard let length = shape.first else { return element(&reader) }
        let rest = shape.dropFirst()
        byte(UInt8(ascii: "["))
        for index in 0..<max(0, length) {
            if index > 0 { byte(UInt8(ascii: ",")) }
            nested(&reader, rest)
        }
        byte(UInt8(ascii: "]"))
    }

    private mutating func elements(of tensor: Tensor, _ bytes: UnsafeRawBufferPointer) {
        var reader = ElementReader(tensor, bytes)
        byte(UInt8(ascii: "["))
        var isFirst = true
        while !reader.isAtEnd {
            if !isFirst { byte(UInt8(ascii: ",")) }
            isFirst = false
            element(&reader)
        }
        byte(UInt8(ascii: "]"))
    }

    /// Writes the next element; `null` where the tensor has fewer than its shape says.
    mutating func element(_ reader: inout ElementReader) {
        switch reader.datatype {
        case .bool: reader.next(UInt8.self).map { bool($0 != 0) } ?? literal("null")
        case .uint8: reader.next(UInt8.self).map { integer($0) } ?? literal("null")
        case .uint16: reader.next(UInt16.self).map { integer($0) } ?? literal("null")
        case .uint32: reader.next(UInt32.self).map { integer($0) } ?? literal("null")
        case .uint64: reader.next(UInt64.self).map { integer($0) } ?? literal("null")
        case .int8: reader.next(Int8.self).map { integer($0) } ?? literal("null")
        case .int16: reader.next(Int16.self).map { integer($0) } ?? literal("null")
        case .int32: reader.next(Int32.self).map { integer($0) } ?? literal("null")
        case .int64: reader.next(Int64.self).map { integer($0) } ?? literal("null")
        case .fp16: reader.next(Float16.self).map { number(Float($0)) } ?? literal("null")
        case .fp32: reader.next(Float.self).map { number($0) } ?? literal("null")
        case .fp64: reader.next(Double.self).map { number($0) } ?? literal("null")
        case .bf16: reader.next(UInt16.self).map { number(BrainFloat(bits: $0).float) } ?? literal("null")
        case .bytes: reader.nextText().map { string($0) } ?? literal("null")
        }
    }
}

/// Walks over a tensor's elements. Valid as long as its bytes are.
struct ElementReader {
    let datatype: Datatype
    private let bytes: UnsafeRawBufferPointer
    private(set) var offset: Int

    /// - Parameter offset: where to begin, in bytes: in front of an element.
    init(_ tensor: Tensor, _ bytes: UnsafeRawBufferPointer, from offset: Int = 0) {
        datatype = tensor.datatype
        self.bytes = bytes
        self.offset = offset
    }

    var isAtEnd: Bool { offset >= bytes.count }

    @inline(__always)
    mutating func next<Value: BitwiseCopyable>(_ type: Value.Type) -> Value? {
        guard bytes.count - offset >= MemoryLayout<Value>.size else {
            offset = bytes.count
            return nil
        }
        defer { offset += MemoryLayout<Value>.size }
        return bytes.loadUnaligned(fromByteOffset: offset, as: type)
    }

    /// The next element of BYTES, without its length.
    mutating func nextText() -> UnsafeBufferPointer<UInt8>? {
        guard let length = next(UInt32.self), Int(length) <= bytes.count - offset else {
            offset = bytes.count
            return nil
        }
        let part = UnsafeRawBufferPointer(rebasing: bytes[offset..<offset + Int(length)])
        offset += Int(length)
        return part.bindMemory(to: UInt8.self)
    }
}
