import Serving

/// An answer as `{"predictions": …}`: of one output its rows, of several an object for each row, and lists by output where
/// they have no rows in common.
enum Predictions {
    static func json(_ answer: InferenceAnswer) -> [UInt8] {
        var output = JSONOutput(reserving: 512)
        output.literal("{\"predictions\":")
        if answer.outputs.count == 1 {
            output.nested(answer.outputs[0])
        } else if let rows = commonRows(answer.outputs) {
            byRow(answer.outputs, rows, &output)
        } else {
            byOutput(answer.outputs, &output)
        }
        output.byte(UInt8(ascii: "}"))
        return output.bytes
    }

    private static func commonRows(_ outputs: [Tensor]) -> Int? {
        guard let rows = outputs.first?.shape.first, outputs.allSatisfy({ $0.shape.first == rows }) else { return nil }
        return rows
    }

    private static func byRow(_ outputs: [Tensor], _ rows: Int, _ output: inout JSONOutput) {
        // Each output is read from front to back, a row at a time, so that texts are found too.
        let copies = outputs.map { ContiguousArray($0.contents) }
        var offsets = Array(repeating: 0, count: outputs.count)
        output.list(0..<rows) { output, _ in
            output.list(outputs.indices, open: UInt8(ascii: "{"), close: UInt8(ascii: "}")) { output, index in
                output.string(outputs[index].name)
                output.byte(UInt8(ascii: ":"))
                copies[index].withUnsafeBytes { bytes in
                    var reader = ElementReader(outputs[index], bytes, from: offsets[index])
                    output.nested(&reader, outputs[index].shape.dropFirst())
                    offsets[index] = reader.offset
                }
            }
        }
    }

    private static func byOutput(_ outputs: [Tensor], _ output: inout JSONOutput) {
        output.list(outputs, open: UInt8(ascii: "{"), close: UInt8(ascii: "}")) { output, tensor in
            output.string(tensor.name)
            output.byte(UInt8(ascii: ":"))
            output.nested(tensor)
        }
    }
}
