import CommandLineKit
import Contracts

/// A request that an endpoint can be tried with.
struct SampleRequest: Equatable {
    /// Behind the endpoint's address.
    let path: String
    /// As JSON; nil for a request that asks what the model takes.
    let body: String?

    /// Inputs with more elements are no example that anybody pastes.
    private static let elementsMax = 64

    /// - Parameters:
    ///   - model: the model's name; the first's, where an image has several.
    ///   - isOnly: whether the image has no other.
    ///   - hasScript: whether an entry script answers, and not the model itself.
    init(
        model: String, isOnly: Bool, hasScript: Bool, signature: Slipway.Models.V1.Signature?
    ) {
        let inputs = (signature?.inputs ?? []).filter { !$0.optional }
        let features = signature?.features.count ?? 0
        if hasScript {
            let sample = signature?.sampleInputJson ?? ""
            self = sample.isEmpty ? .init("/swagger.json", nil) : .init("/score", sample)
        } else if isOnly, let row = SampleRequest.row(inputs, features) {
            self = .init("/score", "{\"data\":[[\(row)]]}")
        } else if let body = SampleRequest.tensors(inputs) {
            self = .init("/v2/models/\(model)/infer", body)
        } else {
            self = .init("/v2/models/\(model)", nil)
        }
    }

    private init(_ path: String, _ body: String?) {
        self.path = path
        self.body = body
    }

    /// A row of zeros for the only input, where it takes rows of numbers.
    private static func row(_ inputs: [Slipway.Models.V1.TensorDescription], _ features: Int) -> String? {
        guard inputs.count <= 1 else { return nil }
        var count = features
        var zero = "0.0"
        if let input = inputs.first {
            guard let element = element(input.datatype), element != "\"\"", input.shape.count == 2 else { return nil }
            zero = element
            if input.shape[1] > 0 { count = Int(clamping: input.shape[1]) }
        }
        guard (1...elementsMax).contains(count) else { return nil }
        return Array(repeating: zero, count: count).joined(separator: ",")
    }

    private static func tensors(_ inputs: [Slipway.Models.V1.TensorDescription]) -> String? {
        guard !inputs.isEmpty else { return nil }
        var parts: [String] = []
        for input in inputs {
            let shape = input.shape.map { $0 < 0 ? 1 : $0 }
            var count: Int64 = 1
            for size in shape {
                let (product, overflows) = count.multipliedReportingOverflow(by: size)
                guard !overflows, product <= Int64(elementsMax) else { return nil }
                count = product
            }
            guard let zero = element(input.datatype), count >= 0 else { return nil }
            let data = Array(repeating: zero, count: Int(count)).joined(separator: ",")
            let dimensions = shape.map(String.init).joined(separator: ",")
            parts.append(
                "{\"name\":\(Document.string(input.name).json.filter { $0 != "\n" }),"
                    + "\"datatype\":\"\(input.datatype)\",\"shape\":[\(dimensions)],\"data\":[\(data)]}")
        }
        return "{\"inputs\":[\(parts.joined(separator: ","))]}"
    }

    /// A zero of a type of the Open Inference Protocol; nil for what is none.
    private static func element(_ datatype: String) -> String? {
        switch datatype {
        case "BYTES": "\"\""
        case "BOOL": "false"
        case "FP16", "FP32", "FP64", "BF16": "0.0"
        case "INT8", "INT16", "INT32", "INT64", "UINT8", "UINT16", "UINT32", "UINT64": "0"
        default: nil
        }
    }

    /// A line for a shell that has `slipway` signed in: the key is asked for when the line is run, and stands nowhere.
    func line(address: String, keyCommand: String?, authorities: String?) -> String {
        var words = ["curl -s"]
        if let authorities { words.append("--cacert \(ShellText.quoted(authorities))") }
        words.append(ShellText.quoted(address + path))
        if let keyCommand { words.append("-H \"authorization: Bearer $(\(keyCommand))\"") }
        if let body {
            words.append("-H 'content-type: application/json' -d \(ShellText.enclosed(body))")
        }
        return words.joined(separator: " ")
    }
}
