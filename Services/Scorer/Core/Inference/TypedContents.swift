import InferenceContracts
import Protobuf
import Serving

/// Tensors whose elements come in lists of numbers instead of bytes.
enum TypedContents {
    private typealias Contents = Inference.InferTensorContents

    /// The elements as a model takes them.
    /// - Throws: where they are in a list of another type, do not fit the type, or are more or fewer than the shape says.
    static func raw(
        _ tensor: borrowing Inference.ModelInferRequest.InferInputTensor, _ datatype: Datatype, _ shape: [Int]
    ) throws(ServingError) -> Bytes {
        let contents = tensor.contents ?? Contents()
        guard datatype != .fp16, datatype != .bf16 else {
            throw ServingError(
                .invalidInput,
                "input '\(tensor.name)': \(datatype.name) has no typed contents; send raw_input_contents")
        }
        let (list, count) = filled(contents, datatype)
        if let other = others(contents, but: list) {
            throw ServingError(
                .invalidInput,
                "input '\(tensor.name)' is \(datatype.name), whose elements go in \(list); \(other) has some")
        }
        guard let expected = elementCount(shape), expected == count else {
            throw ServingError(
                .invalidInput,
                "input '\(tensor.name)' has \(count) elements in \(list); shape "
                    + "[\(shape.map(String.init).joined(separator: ","))] takes \(elementCount(shape) ?? 0)")
        }
        return try packed(contents, datatype, tensor.name)[...]
    }

    /// How many elements a shape has; nil where no tensor has it.
    static func elementCount(_ shape: [Int]) -> Int? {
        var count = 1
        for dimension in shape {
            let (product, overflow) = count.multipliedReportingOverflow(by: dimension)
            guard dimension >= 0, !overflow else { return nil }
            count = product
        }
        return count
    }

    /// The list for a type, and how many elements are in it.
    private static func filled(_ contents: Contents, _ datatype: Datatype) -> (name: String, count: Int) {
        switch datatype {
        case .bool: ("bool_contents", contents.boolContents.count)
        case .int8, .int16, .int32: ("int_contents", contents.intContents.count)
        case .int64: ("int64_contents", contents.int64Contents.count)
        case .uint8, .uint16, .uint32: ("uint_contents", contents.uintContents.count)
        case .uint64: ("uint64_contents", contents.uint64Contents.count)
        case .fp64: ("fp64_contents", contents.fp64Contents.count)
        case .bytes: ("bytes_contents", contents.bytesContents.count)
        case .fp32, .fp16, .bf16: ("fp32_contents", contents.fp32Contents.count)
        }
    }

    private static func others(_ contents: Contents, but list: String) -> String? {
        let counts = [
            ("bool_contents", contents.boolContents.count), ("int_contents", contents.intContents.count),
            ("int64_contents", contents.int64Contents.count), ("uint_contents", contents.uintContents.count),
            ("uint64_contents", contents.uint64Contents.count), ("fp32_contents", contents.fp32Contents.count),
            ("fp64_contents", contents.fp64Contents.count), ("bytes_contents", contents.bytesContents.count),
        ]
        return counts.first { $0.1 > 0 && $0.0 != list }?.0
    }

    private static func packed(
        _ contents: Contents, _ datatype: Datatype, _ name: String
    ) throws(ServingError) -> [UInt8] {
        switch datatype {
        case .bool: contents.boolContents.map { $0 ? 1 : 0 }
        case .int8: try narrowed(contents.intContents, Int8.self, name)
        case .int16: try narrowed(contents.intContents, Int16.self, name)
        case .int32: bytes(of: contents.intContents)
        case .int64: bytes(of: contents.int64Contents)
        case .uint8: try narrowed(contents.uintContents, UInt8.self, name)
        case .uint16: try narrowed(contents.uintContents, UInt16.self, name)
        case .uint32: bytes(of: contents.uintContents)
        case .uint64: bytes(of: contents.uint64Contents)
        case .fp32, .fp16, .bf16: bytes(of: contents.fp32Contents)
        case .fp64: bytes(of: contents.fp64Contents)
        case .bytes: try framed(contents.bytesContents, name)
        }
    }

    private static func bytes<Value: BitwiseCopyable>(of values: [Value]) -> [UInt8] {
        values.withUnsafeBytes { Array($0) }
    }

    private static func narrowed<Wide: FixedWidthInteger, Narrow: FixedWidthInteger & BitwiseCopyable>(
        _ values: [Wide], _ type: Narrow.Type, _ name: String
    ) throws(ServingError) -> [UInt8] {
        var narrow: [Narrow] = []
        narrow.reserveCapacity(values.count)
        for value in values {
            guard let fitting = Narrow(exactly: value) else {
                throw ServingError(.invalidInput, "input '\(name)': \(value) does not fit its datatype")
            }
            narrow.append(fitting)
        }
        return bytes(of: narrow)
    }

    private static func framed(_ texts: [Bytes], _ name: String) throws(ServingError) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(texts.reduce(0) { $0 + $1.count + 4 })
        for text in texts {
            guard let length = UInt32(exactly: text.count) else {
                throw ServingError(.invalidInput, "input '\(name)' has an element of more than 4 GiB")
            }
            withUnsafeBytes(of: length.littleEndian) { bytes.append(contentsOf: $0) }
            bytes.append(contentsOf: text)
        }
        return bytes
    }

    /// An output's elements in lists; nil for types that have none.
    static func typed(_ tensor: Tensor) -> Inference.InferTensorContents? {
        var contents = Contents()
        tensor.contents.withUnsafeBytes { bytes in
            var reader = ElementReader(tensor, bytes)
            switch tensor.datatype {
            case .bool: while let value = reader.next(UInt8.self) { contents.boolContents.append(value != 0) }
            case .int8: while let value = reader.next(Int8.self) { contents.intContents.append(Int32(value)) }
            case .int16: while let value = reader.next(Int16.self) { contents.intContents.append(Int32(value)) }
            case .int32: while let value = reader.next(Int32.self) { contents.intContents.append(value) }
            case .int64: while let value = reader.next(Int64.self) { contents.int64Contents.append(value) }
            case .uint8: while let value = reader.next(UInt8.self) { contents.uintContents.append(UInt32(value)) }
            case .uint16: while let value = reader.next(UInt16.self) { contents.uintContents.append(UInt32(value)) }
            case .uint32: while let value = reader.next(UInt32.self) { contents.uintContents.append(value) }
            case .uint64: while let value = reader.next(UInt64.self) { contents.uint64Contents.append(value) }
            case .fp32: while let value = reader.next(Float.self) { contents.fp32Contents.append(value) }
            case .fp64: while let value = reader.next(Double.self) { contents.fp64Contents.append(value) }
            case .bytes: while let text = reader.nextText() { contents.bytesContents.append(Array(text)[...]) }
            case .fp16, .bf16: break
            }
        }
        return tensor.datatype == .fp16 || tensor.datatype == .bf16 ? nil : contents
    }
}
