import HTTP
import Loop
import Serving

/// What a person who started the scorer by hand wants to see: where it listens, and a request to try.
final class Greeting: Sendable {
    private struct State {
        var addresses: [SocketAddress] = []
        var serving: (any InferenceServing)?
        var isDone = false
    }

    /// Inputs with more elements are no example that anybody pastes.
    private static let elementsMax = 64
    private let isQuiet: Bool
    private let scheme: String
    private let state = Lock(State())

    init(isQuiet: Bool, isSecure: Bool) {
        self.isQuiet = isQuiet
        scheme = isSecure ? "https" : "http"
    }

    func listening(_ addresses: [SocketAddress]) {
        state.withLock { $0.addresses = addresses }
        say()
    }

    func ready(_ serving: any InferenceServing) {
        state.withLock { $0.serving = serving }
        say()
    }

    private func say() {
        let (addresses, serving) = state.withLock { state in
            guard !state.isDone, !state.addresses.isEmpty, let serving = state.serving else {
                return ([SocketAddress](), nil as (any InferenceServing)?)
            }
            state.isDone = true
            return (state.addresses, serving)
        }
        guard !isQuiet, let serving, let first = addresses.first else { return }
        var lines = addresses.map { "listening on \(scheme)://\($0) (HTTP and gRPC)" }
        let models = serving.list().filter { $0.state == .ready }
        for model in models.prefix(3) {
            guard let summary = try? serving.summary(of: ModelReference(name: model.name)) else { continue }
            lines.append("\(model.name): \(example(summary, first))")
        }
        Console.say(lines.joined(separator: "\n"))
    }

    private func example(_ summary: ModelSummary, _ address: SocketAddress) -> String {
        let curl: String
        if case .unix(let path) = address {
            curl = "curl -s --unix-socket \(path) http://localhost"
        } else {
            curl = "curl -s \(scheme)://\(address)"
        }
        if summary.interface == .document {
            let sample = summary.inputSample.isEmpty ? "{}" : summary.inputSample
            return "\(curl)/score -H 'content-type: application/json' -d \(Greeting.quoted(sample))"
        }
        var inputs: [String] = []
        for input in summary.inputs where !input.mayBeAbsent {
            let shape = input.shape.map { $0 < 0 ? 1 : $0 }
            let count = shape.reduce(1) { $0.multipliedReportingOverflow(by: $1).partialValue }
            guard (0...Greeting.elementsMax).contains(count) else { return "\(curl)/v2/models/\(summary.name)" }
            let element: String
            switch input.datatype {
            case .bytes: element = "\"\""
            case .bool: element = "false"
            case .fp16, .fp32, .fp64, .bf16: element = "0.0"
            default: element = "0"
            }
            let data = Array(repeating: element, count: count).joined(separator: ",")
            let dimensions = shape.map(String.init).joined(separator: ",")
            inputs.append(
                "{\"name\":\(Greeting.json(input.name)),\"datatype\":\"\(input.datatype.name)\","
                    + "\"shape\":[\(dimensions)],\"data\":[\(data)]}")
        }
        let body = "{\"inputs\":[\(inputs.joined(separator: ","))]}"
        return "\(curl)/v2/models/\(summary.name)/infer -d \(Greeting.quoted(body))"
    }

    /// For a shell.
    private static func quoted(_ text: String) -> String {
        "'" + text.split(separator: "'", omittingEmptySubsequences: false).joined(separator: "'\\''") + "'"
    }

    private static func json(_ text: String) -> String {
        var quoted = "\""
        for scalar in text.unicodeScalars {
            if scalar == "\"" || scalar == "\\" { quoted += "\\" }
            quoted.unicodeScalars.append(scalar)
        }
        return quoted + "\""
    }
}
