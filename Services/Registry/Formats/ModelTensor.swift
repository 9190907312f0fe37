/// An input, an output or a weight.
public struct ModelTensor: Hashable, Sendable {
    public var name: String
    /// In the words of the Open Inference Protocol, as `FP32` or `BYTES`; empty where those have no word for it.
    public var elementType: String
    /// The type as the file itself writes it.
    public var declaredType: String
    public var shape: [ModelDimension]
    /// The file does not even say how many dimensions there are.
    public var isRankUnknown: Bool
    public var isRequired: Bool

    public init(
        _ name: String, _ elementType: String, declaredType: String = "", shape: [ModelDimension] = [],
        isRankUnknown: Bool = false, isRequired: Bool = true
    ) {
        self.name = name
        self.elementType = elementType
        self.declaredType = declaredType
        self.shape = shape
        self.isRankUnknown = isRankUnknown
        self.isRequired = isRequired
    }
}

/// One dimension of a shape: a size, or -1 for any, with the name that the file gives to it.
public struct ModelDimension: Hashable, Sendable, ExpressibleByIntegerLiteral {
    public var size: Int
    public var name: String

    public init(_ size: Int, name: String = "") {
        self.size = max(size, -1)
        self.name = name
    }

    public init(integerLiteral value: Int) { self.init(value) }

    public static func named(_ name: String) -> ModelDimension { ModelDimension(-1, name: name) }
}

/// The weights of a model without their values.
public struct ModelWeights: Hashable, Sendable {
    public var tensorCount = 0
    /// How many numbers all of them have together; it stays at the largest integer rather than overflow.
    public var parameterCount = 0
    /// The first of them, up to the limit.
    public var tensors: [ModelTensor] = []

    public init() {}

    mutating func add(_ tensor: ModelTensor, keeping listCountMax: Int) {
        tensorCount += 1
        var product = 1
        for dimension in tensor.shape {
            let (next, overflow) = product.multipliedReportingOverflow(by: max(dimension.size, 0))
            product = overflow ? Int.max : next
        }
        let (sum, overflow) = parameterCount.addingReportingOverflow(product)
        parameterCount = overflow ? Int.max : sum
        if tensors.count < listCountMax { tensors.append(tensor) }
    }
}

/// Element types by the names that libraries write.
enum ElementType {
    /// The word of the Open Inference Protocol, or nothing where it has none.
    static func openInference(_ name: String) -> String {
        switch name.lowercased() {
        case "bool", "boolean": "BOOL"
        case "uint8", "u8": "UINT8"
        case "uint16", "u16": "UINT16"
        case "uint32", "u32": "UINT32"
        case "uint64", "u64": "UINT64"
        case "int8", "i8": "INT8"
        case "int16", "i16": "INT16"
        case "int32", "integer", "i32": "INT32"
        case "int64", "long", "i64": "INT64"
        case "float16", "f16", "half": "FP16"
        case "bfloat16", "bf16": "BF16"
        case "float32", "float", "f32": "FP32"
        case "float64", "double", "f64": "FP64"
        case "string", "str", "object", "binary", "bytes": "BYTES"
        default: ""
        }
    }

    /// The element type of a tensor in ONNX by its number, with the name that ONNX gives to it.
    static func onnx(_ number: UInt64) -> (word: String, declared: String) {
        let names = [
            "undefined", "float", "uint8", "int8", "uint16", "int16", "int32", "int64", "string", "bool", "float16",
            "double", "uint32", "uint64", "complex64", "complex128", "bfloat16", "float8e4m3fn", "float8e4m3fnuz",
            "float8e5m2", "float8e5m2fnuz", "uint4", "int4", "float4e2m1",
        ]
        guard number < UInt64(names.count) else { return ("", "type \(number)") }
        let name = names[Int(number)]
        return (openInference(name), name)
    }
}
