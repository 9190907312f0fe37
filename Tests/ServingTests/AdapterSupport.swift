import AdapterContracts
import Glibc
import Loop
import Protobuf
import ServingTestAdapter
import Testing

@testable import Serving

/// The test adapter, open, and its models that behave as they are told.
final class TestAdapter: Sendable {
    let library: AdapterLibrary
    let lines: Lock<[String]>

    init(limits: AdapterLimits = AdapterLimits()) throws {
        let lines = Lock<[String]>([])
        self.lines = lines
        library = try AdapterLibrary(entry: serving_test_entry, path: "test", limits: limits) { level, line in
            lines.withLock { $0.append("\(level): \(line)") }
        }
    }

    func instance(_ behaviour: String) throws -> any ServableInstance {
        try library.load(.init(folder: "/nowhere", file: behaviour)).makeInstance(0)
    }
}

/// What has been answered so far, on whatever thread.
final class Answers: Sendable {
    private let waiter = Condition<[Result<[Tensor], ServingError>]>([])

    var completion: @Sendable (Result<[Tensor], ServingError>) -> Void {
        { answer in self.waiter.change { $0.append(answer) } }
    }

    /// Waits for the first answer and gives all there are.
    func all() -> [Result<[Tensor], ServingError>] { waiter.wait { $0.isEmpty ? nil : $0 } }
}

extension Tensor {
    static func floats(_ name: String, _ values: [Float], columns: Int = 2, skip: Int = 0) -> Tensor {
        var bytes = [UInt8](repeating: 0, count: skip)
        for value in values { withUnsafeBytes(of: value) { bytes.append(contentsOf: $0) } }
        return Tensor(name: name, datatype: .fp32, shape: [values.count / columns, columns], contents: bytes[skip...])
    }

    var floats: [Float] {
        contents.withUnsafeBytes { bytes in
            stride(from: 0, to: bytes.count, by: 4).map { bytes.loadUnaligned(fromByteOffset: $0, as: Float.self) }
        }
    }
}

extension ServableInstance {
    /// Executes and waits for the answer.
    func answer(_ inputs: [Tensor], outputs: [String] = []) throws -> [Tensor] {
        let answers = Answers()
        let handle = execute(ModelExecution(inputs: inputs, outputs: outputs), completion: answers.completion)
        defer { withExtendedLifetime(handle) {} }
        return try answers.all()[0].get()
    }
}
