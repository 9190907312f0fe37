import Protobuf

/// A request that a model has to answer before callers come, and where it is golden, the answer it has to give.
///
/// A file `warmup/NAME.json` beside the model:
///
///     {"inputs": [{"name": "x", "datatype": "FP32", "shape": [1, 4], "data": [1, 2, 3, 4]}],
///      "outputs": [{"name": "y", "datatype": "FP32", "shape": [1], "data": [0.5]}], "tolerance": 1e-6}
public struct Sample: Sendable, Equatable {
    /// For messages: the file's name.
    public var name: String
    public var inputs: [Tensor]
    /// Nothing: any answer will do.
    public var expected: [Tensor]
    /// How far numbers may be from what is expected: absolutely, or relative to it where it is larger than 1.
    public var tolerance: Double

    public init(name: String, inputs: [Tensor], expected: [Tensor] = [], tolerance: Double = 1e-6) {
        self.name = name
        self.inputs = inputs
        self.expected = expected
        self.tolerance = tolerance
    }

    /// - Throws: `unloadable` with the place in the text.
    public init(name: String, json text: Bytes) throws(ServingError) {
        var sample = Sample(name: name, inputs: [])
        do {
            try JSONReader.read(text) { reader in
                try KnownKeys.members(of: &reader, "", ["inputs", "outputs", "tolerance"]) { key, reader in
                    switch key {
                    case "inputs": try reader.elements { sample.inputs.append(try Tensor(json: &$0)) }
                    case "outputs": try reader.elements { sample.expected.append(try Tensor(json: &$0)) }
                    default: sample.tolerance = try reader.double()
                    }
                }
            }
        } catch let error as ServingError {
            throw ServingError(error.kind, "sample \(name): \(error.message)")
        } catch {
            throw ServingError(.unloadable, "sample \(name): \(error)")
        }
        guard !sample.inputs.isEmpty else { throw ServingError(.unloadable, "sample \(name) has no inputs") }
        self = sample
    }
}

extension Tensor {
    /// A tensor as the Open Inference Protocol writes it, its data flat or nested.
    fileprivate init(json reader: inout JSONReader) throws {
        var tensor = Tensor(name: "", datatype: .fp32, shape: [], contents: [])
        var hasDatatype = false
        var contents: [UInt8] = []
        // Data is read by its datatype, which has to come before it, as everybody writes it.
        try KnownKeys.members(of: &reader, "", ["name", "shape", "datatype", "data", "parameters"]) { key, reader in
            switch key {
            case "name": tensor.name = try reader.string()
            case "shape": try reader.elements { tensor.shape.append(try $0.integer(Int.self)) }
            case "datatype":
                let name = try reader.string()
                guard let datatype = Datatype(name: name) else {
                    throw ServingError(.unloadable, "datatype \"\(name)\" does not exist")
                }
                tensor.datatype = datatype
                hasDatatype = true
            case "data":
                guard hasDatatype else { throw ServingError(.unloadable, "datatype has to come before data") }
                try Element.append(from: &reader, tensor.datatype, to: &contents)
            default: try reader.skipValue()
            }
        }
        tensor.contents = contents[...]
        try Signature.checkContents(tensor)
        self = tensor
    }
}

/// Elements of tensors, one at a time: for samples, not for requests.
enum Element {
    static func append(from reader: inout JSONReader, _ datatype: Datatype, to contents: inout [UInt8]) throws {
        if try reader.peek() == UInt8(ascii: "[") {
            return try reader.elements { try append(from: &$0, datatype, to: &contents) }
        }
        switch datatype {
        case .bool: contents.append(try reader.boolean() ? 1 : 0)
        case .uint8: append(try reader.integer(UInt8.self), to: &contents)
        case .uint16: append(try reader.integer(UInt16.self), to: &contents)
        case .uint32: append(try reader.integer(UInt32.self), to: &contents)
        case .uint64: append(try reader.integer(UInt64.self), to: &contents)
        case .int8: append(try reader.integer(Int8.self), to: &contents)
        case .int16: append(try reader.integer(Int16.self), to: &contents)
        case .int32: append(try reader.integer(Int32.self), to: &contents)
        case .int64: append(try reader.integer(Int64.self), to: &contents)
        case .fp32: append(try reader.float().bitPattern, to: &contents)
        case .fp64: append(try reader.double().bitPattern, to: &contents)
        case .fp16: append(HalfFloat.bits(of: try reader.float()), to: &contents)
        case .bf16: append(UInt16(truncatingIfNeeded: try reader.float().bitPattern >> 16), to: &contents)
        case .bytes:
            let text = Array(try reader.string().utf8)
            append(UInt32(truncatingIfNeeded: text.count), to: &contents)
            contents += text
        }
    }

    static func append<Number: FixedWidthInteger>(_ number: Number, to contents: inout [UInt8]) {
        for byte in 0..<Number.bitWidth / 8 { contents.append(UInt8(truncatingIfNeeded: number >> (byte * 8))) }
    }

    /// The number at an index, exact below 2^53; nothing for texts.
    static func number(_ tensor: Tensor, _ index: Int) -> Double? {
        guard let size = tensor.datatype.elementBytes else { return nil }
        let start = tensor.contents.startIndex + index * size
        guard index >= 0, start + size <= tensor.contents.endIndex else { return nil }
        var bits: UInt64 = 0
        for byte in 0..<size { bits |= UInt64(tensor.contents[start + byte]) << UInt64(byte * 8) }
        switch tensor.datatype {
        case .bool, .uint8, .uint16, .uint32, .uint64: return Double(bits)
        case .int8: return Double(Int8(truncatingIfNeeded: bits))
        case .int16: return Double(Int16(truncatingIfNeeded: bits))
        case .int32: return Double(Int32(truncatingIfNeeded: bits))
        case .int64: return Double(Int64(truncatingIfNeeded: bits))
        case .fp32: return Double(Float(bitPattern: UInt32(truncatingIfNeeded: bits)))
        case .fp64: return Double(bitPattern: bits)
        case .bf16: return Double(Float(bitPattern: UInt32(truncatingIfNeeded: bits) << 16))
        case .fp16: return Double(HalfFloat.value(of: UInt16(truncatingIfNeeded: bits)))
        case .bytes: return nil
        }
    }
}

/// IEEE 754 numbers of 16 bits, on processors that may not have them.
enum HalfFloat {
    static func value(of bits: UInt16) -> Float {
        let sign: Float = bits & 0x8000 == 0 ? 1 : -1
        let exponent = Int(bits >> 10 & 0x1f)
        let fraction = Float(bits & 0x3ff)
        switch exponent {
        case 0: return sign * fraction * 0x1p-24
        case 31: return fraction == 0 ? sign * .infinity : .nan
        default: return sign * Float(sign: .plus, exponent: exponent - 15, significand: 1 + fraction / 1024)
        }
    }

    /// The nearest, ties to even.
    static func bits(of value: Float) -> UInt16 {
        let sign: UInt16 = value.sign == .minus ? 0x8000 : 0
        let magnitude = value.magnitude
        if value.isNaN { return sign | 0x7e00 }
        if magnitude >= 65520 { return sign | 0x7c00 }
        if magnitude < 0x1p-14 {
            return sign | UInt16((magnitude * 0x1p24).rounded(.toNearestOrEven))
        }
        let exponent = magnitude.exponent
        let fraction = ((magnitude.significand - 1) * 1024).rounded(.toNearestOrEven)
        // A fraction that was rounded up to 1024 carries into the exponent by itself.
        return sign | (UInt16(exponent + 15) << 10) + UInt16(fraction)
    }
}
