import HTTP
import InferenceContracts
import ProgramKit
import RPC

/// Rows for a model, and what it said to them when nobody else asked.
struct Question: Sendable {
    let tensor: ServedTensor
    let rows: Int
    /// Eighths: exact in every dialect.
    let values: [Double]
    let answer: [Double]

    init(_ target: Target, _ tensor: ServedTensor, rows: Int, seed: inout UInt64) async throws {
        self.tensor = tensor
        self.rows = rows
        values = (0..<(rows * tensor.columns)).map { _ in
            seed = seed &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Double(Int(seed >> 33) % 49 - 24) / 8
        }
        let said = try await target.inference.modelInfer(
            Question.request(tensor, rows: rows, raw: Numbers.bytes(values, isDouble: tensor.isDouble)[...]))
        answer = try Numbers.of(said)
    }

    static func request(_ tensor: ServedTensor, rows: Int, raw: ArraySlice<UInt8>?) -> Inference.ModelInferRequest {
        var request = Inference.ModelInferRequest()
        request.modelName = tensor.model
        request.inputs = [
            .init(name: tensor.name, datatype: tensor.datatype, shape: [Int64(rows), Int64(tensor.columns)])
        ]
        if let raw { request.rawInputContents = [raw] }
        return request
    }

    var raw: Inference.ModelInferRequest {
        Question.request(tensor, rows: rows, raw: Numbers.bytes(values, isDouble: tensor.isDouble)[...])
    }

    /// The request as raw bytes and as typed numbers.
    func overRPC() -> [Shot] {
        var typed = Question.request(tensor, rows: rows, raw: nil)
        typed.inputs[0].contents =
            tensor.isDouble ? .init(fp64Contents: values) : .init(fp32Contents: values.map { Float($0) })
        return [("gRPC raw", raw), ("gRPC typed", typed)].map { kind, request in
            Shot(kind: kind) { [answer] target in
                let said = try Numbers.of(try await target.inference.modelInfer(request))
                guard Numbers.agree(said, answer) else { throw Mismatch("\(said.prefix(3)) for \(answer.prefix(3))") }
            }
        }
    }

    /// The request in every dialect over HTTP; each is asked once, and what it says compared number by number.
    func overREST(_ target: Target, isUsual: Bool) async throws -> [Shot] {
        var shots: [Shot] = []
        for form in forms(isUsual) {
            let (status, body) = try await target.post(form.path, form.fields, form.body)
            guard status == 200 else {
                throw Mismatch("\(form.kind): \(status) \(String(decoding: body, as: UTF8.self))")
            }
            let said = try form.read(body, answer.count)
            guard Numbers.agree(said, answer) else {
                throw Mismatch("\(form.kind): \(said.prefix(3)) for \(answer.prefix(3))")
            }
            shots.append(
                Shot(kind: form.kind) { [answer] target in
                    let (status, again) = try await target.post(form.path, form.fields, form.body)
                    guard status == 200, again == body else {
                        let said = status == 200 ? try form.read(again, answer.count) : []
                        if Numbers.agree(said, answer) { return }
                        throw Mismatch("\(status) \(String(decoding: again.prefix(200), as: UTF8.self))")
                    }
                })
        }
        return shots
    }
}
