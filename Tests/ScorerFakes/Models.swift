public import Protobuf
public import Serving

/// Models for tests.
public enum Models {
    public static func summary(
        _ name: String, version: Int64 = 1, inputs: [TensorSpecification], outputs: [TensorSpecification],
        batches: Bool = true
    ) -> ModelSummary {
        ModelSummary(
            name: name, version: version, versions: [version], adapter: "fake", format: "closure", interface: .tensors,
            inputs: inputs, outputs: outputs, batches: batches, largestBatch: 0, facts: [("evaluator", "closure")])
    }

    /// Gives back what it got, of one datatype.
    public static func echo(_ datatype: Datatype, shape: [Int] = [-1, 4]) -> FakeServing.Model {
        FakeServing.Model(
            summary: summary(
                "echo-\(datatype.name.lowercased())",
                inputs: [TensorSpecification(name: "x", datatype: datatype, shape: shape)],
                outputs: [TensorSpecification(name: "y", datatype: datatype, shape: shape)])
        ) { request throws(ServingError) in
            request.inputs.map { Tensor(name: "y", datatype: $0.datatype, shape: $0.shape, contents: $0.contents) }
        }
    }

    /// Sums of rows with named columns, and a label.
    public static func iris() -> FakeServing.Model {
        FakeServing.Model(
            summary: summary(
                "iris",
                inputs: [
                    TensorSpecification(
                        name: "x", datatype: .fp32, shape: [-1, 4], columns: ["sl", "sw", "pl", "pw"])
                ],
                outputs: [
                    TensorSpecification(name: "label", datatype: .bytes, shape: [-1]),
                    TensorSpecification(name: "sum", datatype: .fp32, shape: [-1, 1]),
                ])
        ) { request throws(ServingError) in
            let values = floats(request.inputs[0].contents)
            let sums = stride(from: 0, to: values.count, by: 4).map { values[$0..<$0 + 4].reduce(0, +) }
            let labels = sums.map { $0 > 10 ? "large" : "small" }
            return [
                Tensor(name: "label", datatype: .bytes, shape: [sums.count], contents: framed(labels)),
                Tensor(name: "sum", datatype: .fp32, shape: [sums.count, 1], contents: bytes(sums)),
            ]
        }
    }

    /// One input for each column, of different types.
    public static func mixed() -> FakeServing.Model {
        FakeServing.Model(
            summary: summary(
                "mixed",
                inputs: [
                    TensorSpecification(name: "age", datatype: .int64, shape: [-1, 1]),
                    TensorSpecification(name: "income", datatype: .fp64, shape: [-1]),
                    TensorSpecification(name: "city", datatype: .bytes, shape: [-1, 1]),
                ], outputs: [TensorSpecification(name: "text", datatype: .bytes, shape: [-1])])
        ) { request throws(ServingError) in
            func input(_ name: String) throws(ServingError) -> Tensor {
                guard let tensor = request.inputs.first(where: { $0.name == name }) else {
                    throw ServingError(.faulty, "no \(name)")
                }
                return tensor
            }
            let ages = numbers(try input("age").contents, Int64.self)
            let incomes = numbers(try input("income").contents, Double.self)
            let cities = FakeServing.texts(try input("city")) ?? []
            let texts = ages.indices.map { "\(ages[$0])/\(incomes[$0])/\(cities[$0])" }
            return [Tensor(name: "text", datatype: .bytes, shape: [texts.count], contents: framed(texts))]
        }
    }

    /// An entry script: says what it was called with, or fails as it is told.
    public static func script() -> FakeServing.Model {
        var summary = summary(
            "script", inputs: [TensorSpecification(name: "body", datatype: .bytes, shape: [1])],
            outputs: [TensorSpecification(name: "body", datatype: .bytes, shape: [1])], batches: false)
        summary.interface = .document
        summary.inputSchema = #"{"type":"object","properties":{"rows":{"type":"array"}}}"#
        summary.inputSample = #"{"rows":[1,2]}"#
        summary.outputMediaType = "application/json"
        return FakeServing.Model(summary: summary) { request throws(ServingError) in
            let text = FakeServing.texts(request.inputs[0])?.first ?? ""
            switch text {
            case "fail": throw ServingError(.modelFailed, "ValueError: no")
            case "slow": throw ServingError(.deadlineExceeded, "the script took longer than 60 s")
            case "busy": throw ServingError(.overloaded, "too many wait", retryAfter: .milliseconds(1500))
            case "own":
                return [
                    Tensor(name: "body", datatype: .bytes, shape: [1], contents: framed(["teapot"])),
                    Tensor(name: "status", datatype: .int32, shape: [1], contents: bytes([Int32(418)])),
                    Tensor(
                        name: "headers", datatype: .bytes, shape: [2, 2],
                        contents: framed(["x-tea", "green", "bad name\r\n", "x"])),
                ]
            default:
                let said = request.circumstances
                let marks = said?.headers.map(\.name).joined(separator: " ") ?? ""
                let answer = "{\"got\":\(text),\"path\":\"\(said?.path ?? "")\",\"headers\":\"\(marks)\"}"
                return [Tensor(name: "body", datatype: .bytes, shape: [1], contents: framed([answer]))]
            }
        }
    }

    public static func bytes<Value: BitwiseCopyable>(_ values: [Value]) -> Bytes {
        values.withUnsafeBytes { Array($0) }[...]
    }

    public static func numbers<Value: BitwiseCopyable>(_ bytes: Bytes, _ type: Value.Type) -> [Value] {
        bytes.withUnsafeBytes { raw in
            (0..<raw.count / MemoryLayout<Value>.size).map {
                raw.loadUnaligned(fromByteOffset: $0 * MemoryLayout<Value>.size, as: type)
            }
        }
    }

    public static func floats(_ bytes: Bytes) -> [Float] { numbers(bytes, Float.self) }

    public static func framed(_ texts: [String]) -> Bytes {
        texts.flatMap { text in
            withUnsafeBytes(of: UInt32(text.utf8.count).littleEndian) { Array($0) } + Array(text.utf8)
        }[...]
    }
}
