import HTTP
import Protobuf
import Serving

/// What `/score` and `/invocations` have in common: the server's usual model, rows in, predictions out; or for models
/// that take documents the body as it came.
struct RowScoring: Sendable {
    let point: ScoringPoint

    /// What goes back.
    struct Answer {
        var status = 200
        var fields: HeaderFields = [:]
        var body: [UInt8]
        var timing: InferenceTiming
    }

    func answer(_ request: HTTPRequest, id: String, correlation: String) async throws -> Answer {
        let summary = try point.serving.summary(of: try point.usualModel())
        let body = try await RequestBody.collect(request, limit: point.bodyLimit)
        let isDocument = summary.interface == .document
        let inputs =
            isDocument
            ? [document(body)]
            : try RowPayload(summary).tensors(body, mediaType: RequestFacts.mediaType(request.head.fields))
        let answer = try await point.infer(
            InferenceRequest(
                model: ModelReference(name: summary.name), inputs: inputs, id: id,
                circumstances: RequestFacts.circumstances(request)),
            timeout: nil, correlation: correlation)
        var result =
            isDocument
            ? try unwrapped(answer, summary)
            : Answer(
                fields: ["content-type": "application/json"], body: Predictions.json(answer), timing: answer.timing)
        if point.settings.timing { result.fields.add(TimingText.field, TimingText.of(answer.timing)) }
        return result
    }

    // MARK: documents

    /// The body as the only element of a tensor.
    private func document(_ body: Bytes) -> Tensor {
        var contents: [UInt8] = []
        contents.reserveCapacity(body.count + 4)
        withUnsafeBytes(of: UInt32(truncatingIfNeeded: body.count).littleEndian) { contents.append(contentsOf: $0) }
        contents.append(contentsOf: body)
        return Tensor(name: "body", datatype: .bytes, shape: [1], contents: contents[...])
    }

    /// What a model that makes documents says: the text, and where it wants to the status and fields to go with it.
    private func unwrapped(_ answer: InferenceAnswer, _ summary: ModelSummary) throws(ServingError) -> Answer {
        guard let output = answer.outputs.first(where: { $0.name == "body" }), let body = texts(output).first else {
            throw ServingError(.modelFailed, "the model '\(answer.name)' answered without a body")
        }
        var result = Answer(body: body, timing: answer.timing)
        result.fields.add("content-type", summary.outputMediaType)
        if let status = answer.outputs.first(where: { $0.name == "status" }) {
            let code = status.contents.withUnsafeBytes { bytes in
                bytes.count >= 4 ? Int(bytes.loadUnaligned(as: Int32.self)) : 0
            }
            guard (200...599).contains(code) else {
                throw ServingError(
                    .modelFailed, "the model '\(answer.name)' answered with the impossible status \(code)")
            }
            result.status = code
        }
        if let headers = answer.outputs.first(where: { $0.name == "headers" }) {
            let list = texts(headers).map { String(decoding: $0, as: UTF8.self) }
            for index in stride(from: 0, to: list.count - 1, by: 2)
            where RowScoring.isSafe(list[index], list[index + 1]) {
                result.fields.set(list[index], list[index + 1])
            }
        }
        return result
    }

    /// The elements of a tensor of texts.
    private func texts(_ tensor: Tensor) -> [[UInt8]] {
        guard tensor.datatype == .bytes else { return [] }
        return tensor.contents.withUnsafeBytes { bytes in
            var reader = ElementReader(tensor, bytes)
            var texts: [[UInt8]] = []
            while let text = reader.nextText() { texts.append(Array(text)) }
            return texts
        }
    }

    /// Whether a field that a script wants to send can't be taken for anything but one field of its own.
    private static func isSafe(_ name: String, _ value: String) -> Bool {
        let ours = ["content-length", "transfer-encoding", "connection", "upgrade", "trailer", "te"]
        return !name.isEmpty && !ours.contains(name.lowercased())
            && name.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"):
                    true
                default: false
                }
            } && value.utf8.allSatisfy { $0 >= 0x20 && $0 != 0x7f || $0 == 0x09 }
    }
}
