import InferenceContracts
import Serving

/// What a request of the inference protocol says beside its tensors, in whatever form it came.
struct RequestParameters {
    /// One value.
    enum Value {
        case bool(Bool)
        case integer(Int64)
        case number(Double)
        case text(String)

        var isTrue: Bool { if case .bool(true) = self { true } else { false } }
    }

    var timeout: Duration?
    var priority = 0
    /// Whether outputs go behind the JSON as bytes, where they say nothing themselves.
    var wantsBinary = false
    /// What is left, for models that look at it.
    var others: [String: String] = [:]

    /// - Throws: for what can't be served, so that nobody takes an answer for what it is not.
    mutating func set(_ name: String, _ value: Value) throws(ServingError) {
        switch name {
        case "timeout":
            guard case .integer(let microseconds) = value, microseconds >= 0 else {
                throw RequestParameters.wrong(name, "a number of microseconds")
            }
            timeout = microseconds > 0 ? .microseconds(microseconds) : nil
        case "priority":
            guard case .integer(let level) = value, level >= 0 else {
                throw RequestParameters.wrong(name, "a whole number, 0 or more")
            }
            priority = Int(level)
        case "binary_data_output":
            guard case .bool(let isWanted) = value else { throw RequestParameters.wrong(name, "true or false") }
            wantsBinary = isWanted
        case "sequence_id":
            switch value {
            case .integer(0), .text(""): return
            default:
                throw ServingError(
                    .invalidInput,
                    "the request is part of a sequence (sequence_id); models here answer each request by itself, so "
                        + "send it without")
            }
        case "sequence_start", "sequence_end":
            guard case .bool(false) = value else {
                throw ServingError(.invalidInput, "\(name): models here answer each request by itself")
            }
        default: others[name] = RequestParameters.text(value)
        }
    }

    /// What is said of one tensor.
    /// - Throws: for tensors that lie elsewhere.
    static func check(_ name: String, of tensor: String) throws(ServingError) {
        switch name {
        case "shared_memory_region", "shared_memory_offset", "shared_memory_byte_size":
            throw ServingError(
                .invalidInput, "tensor '\(tensor)' lies in shared memory (\(name)), which this server does not map")
        case "classification":
            throw ServingError(
                .invalidInput, "output '\(tensor)': classification is not done here; ask for the scores themselves")
        default: return
        }
    }

    private static func wrong(_ name: String, _ wanted: String) -> ServingError {
        ServingError(.invalidInput, "parameter '\(name)' should be \(wanted)")
    }

    private static func text(_ value: Value) -> String {
        switch value {
        case .bool(let value): "\(value)"
        case .integer(let value): "\(value)"
        case .number(let value): "\(value)"
        case .text(let value): value
        }
    }
}

extension RequestParameters.Value {
    init?(_ parameter: Inference.InferParameter) {
        switch parameter.parameterChoice {
        case .boolParam(let value)?: self = .bool(value)
        case .int64Param(let value)?: self = .integer(value)
        case .uint64Param(let value)?: self = .integer(Int64(clamping: value))
        case .doubleParam(let value)?: self = .number(value)
        case .stringParam(let value)?: self = .text(value)
        case nil: return nil
        }
    }
}
