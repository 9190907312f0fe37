/// The type of a tensor's elements, under the names of the Open Inference Protocol.
public enum Datatype: Int32, Sendable, CaseIterable, Hashable {
    case bool = 1
    case uint8, uint16, uint32, uint64
    case int8, int16, int32, int64
    case fp16, fp32, fp64
    case bytes
    case bf16

    /// As requests say it: `FP32`.
    public init?(name: some StringProtocol) {
        guard let found = Datatype.allCases.first(where: { $0.name == name }) else { return nil }
        self = found
    }

    public var name: String {
        switch self {
        case .bool: "BOOL"
        case .uint8: "UINT8"
        case .uint16: "UINT16"
        case .uint32: "UINT32"
        case .uint64: "UINT64"
        case .int8: "INT8"
        case .int16: "INT16"
        case .int32: "INT32"
        case .int64: "INT64"
        case .fp16: "FP16"
        case .fp32: "FP32"
        case .fp64: "FP64"
        case .bytes: "BYTES"
        case .bf16: "BF16"
        }
    }

    /// Bytes of an element; nothing for `bytes`, whose elements have any length.
    public var elementBytes: Int? {
        switch self {
        case .bool, .uint8, .int8: 1
        case .uint16, .int16, .fp16, .bf16: 2
        case .uint32, .int32, .fp32: 4
        case .uint64, .int64, .fp64: 8
        case .bytes: nil
        }
    }
}
