import HTTP

/// A question in one dialect over HTTP.
struct RESTForm: Sendable {
    let kind: String
    let path: String
    let fields: HeaderFields
    let body: [UInt8]
    /// The numbers of an answer that has so many.
    let read: @Sendable ([UInt8], Int) throws -> [Double]
}

extension Question {
    private static let json: HeaderFields = ["content-type": "application/json"]

    func forms(_ isUsual: Bool) -> [RESTForm] {
        let infer = "/v2/models/\(tensor.model)/infer"
        let shape = "\"shape\":[\(rows),\(tensor.columns)]"
        let head = "{\"name\":\"\(tensor.name)\",\"datatype\":\"\(tensor.datatype)\",\(shape)"
        let flat = values.map { "\($0)" }.joined(separator: ",")
        let plain = "{\"inputs\":[\(head),\"data\":[\(flat)]}]}"
        var forms = [
            RESTForm(
                kind: "V2 JSON", path: infer, fields: Question.json, body: Array(plain.utf8), read: Numbers.ofJSON),
            binary(infer, head),
        ]
        guard isUsual else { return forms }
        let lines = (0..<rows).map { row in
            values[(row * tensor.columns)..<((row + 1) * tensor.columns)].map { "\($0)" }.joined(separator: ",")
        }
        let nested = lines.map { "[\($0)]" }.joined(separator: ",")
        let title = (0..<tensor.columns).map { "c\($0)" }.joined(separator: ",")
        for (kind, path, type, text) in [
            ("/score", "/score", "application/json", "{\"data\":[\(nested)]}"),
            ("/invocations JSON", "/invocations", "application/json", "{\"inputs\":[\(nested)]}"),
            ("/invocations CSV", "/invocations", "text/csv", ([title] + lines).joined(separator: "\n") + "\n"),
        ] {
            forms.append(
                RESTForm(
                    kind: kind, path: path, fields: ["content-type": type], body: Array(text.utf8), read: Numbers.ofJSON
                ))
        }
        return forms
    }

    /// Both ways as bytes behind the JSON.
    private func binary(_ path: String, _ head: String) -> RESTForm {
        let bytes = Numbers.bytes(values, isDouble: tensor.isDouble)
        let json = Array(
            ("{\"parameters\":{\"binary_data_output\":true},\"inputs\":["
                + "\(head),\"parameters\":{\"binary_data_size\":\(bytes.count)}}]}").utf8)
        return RESTForm(
            kind: "V2 binary", path: path,
            fields: [
                "content-type": "application/octet-stream", "inference-header-content-length": "\(json.count)",
            ], body: json + bytes
        ) { body, count in
            guard let end = body.lastIndex(of: UInt8(ascii: "}")) else { throw Mismatch("no JSON in a binary answer") }
            // A brace may be among the numbers' bytes: so the width is what the answer's own JSON says.
            let isDouble = String(decoding: body[...end], as: UTF8.self).contains("FP64")
            let size = count * (isDouble ? 8 : 4)
            guard body.count >= size else { throw Mismatch("a binary answer of \(body.count) bytes") }
            return Numbers.of(body.suffix(size), isDouble: isDouble)
        }
    }
}
