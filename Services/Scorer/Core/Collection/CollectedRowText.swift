import Serving

/// A collected row as a line of JSON.
enum CollectedRowText {
    static func line(_ row: CollectedRow, designation: String, elementsMax: Int) -> [UInt8] {
        var output = JSONOutput(reserving: 512)
        output.literal("{\"time\":")
        output.string(row.time.text)
        output.literal(",\"request_id\":")
        output.string(row.requestID)
        output.literal(",\"correlation_id\":")
        output.string(row.correlationID)
        output.literal(",\"model\":")
        output.string(row.model)
        output.literal(",\"version\":")
        output.integer(row.version)
        output.literal(",\"tensors\":")
        let tensors = designation == "inputs" ? row.inputs : row.outputs
        output.list(tensors) { CollectedRowText.tensor($1, elementsMax, &$0) }
        if designation == "predictions" {
            output.literal(",\"timing\":")
            output.string(TimingText.of(row.timing))
        }
        output.literal("}\n")
        return output.bytes
    }

    private static func tensor(_ tensor: Tensor, _ elementsMax: Int, _ output: inout JSONOutput) {
        output.literal("{\"name\":")
        output.string(tensor.name)
        output.literal(",\"datatype\":\"")
        output.raw(tensor.datatype.name)
        output.literal("\",\"shape\":")
        output.list(tensor.shape) { $0.integer($1) }
        if TypedContents.elementCount(tensor.shape).map({ $0 <= elementsMax }) == true {
            output.literal(",\"data\":")
            output.flat(tensor)
        }
        output.byte(UInt8(ascii: "}"))
    }
}
