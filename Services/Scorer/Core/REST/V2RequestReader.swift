import Protobuf
import Serving

/// Reads the JSON part of a request to infer.
struct V2RequestReader {
    struct Input {
        var name = ""
        var datatype = Datatype.fp32
        var shape: [Int] = []
        var contents: Bytes = []
        /// Its elements are behind the JSON.
        var binarySize: Int?
    }

    private(set) var id = ""
    private(set) var parameters = RequestParameters()
    private(set) var inputs: [Input] = []
    private(set) var outputs: [V2Request.Output] = []
    /// What was wrong though it was JSON: reading goes on, so that the place of a later defect is still exact.
    private(set) var failure: ServingError?

    mutating func read(_ cursor: inout JSONCursor) throws(JSONProblem) {
        var hasInputs = false
        try cursor.object { cursor, name throws(JSONProblem) in
            switch name {
            case "id": id = try cursor.string()
            case "parameters": try readParameters(&cursor)
            case "inputs":
                hasInputs = true
                inputs = []
                try cursor.array { cursor, index throws(JSONProblem) in
                    inputs.append(try input(&cursor, index))
                }
            case "outputs":
                outputs = []
                try cursor.array { cursor, index throws(JSONProblem) in
                    outputs.append(try output(&cursor, index))
                }
            default: try cursor.skip()
            }
        }
        guard hasInputs else { throw cursor.problem("the request has no \"inputs\"") }
    }

    private mutating func readParameters(_ cursor: inout JSONCursor) throws(JSONProblem) {
        try cursor.object { cursor, name throws(JSONProblem) in
            guard let value = try V2RequestReader.value(&cursor) else { return }
            do throws(ServingError) { try parameters.set(name, value) } catch { failure = failure ?? error }
        }
    }

    /// A parameter's value; nil for null, and for lists and objects, which mean nothing to anybody.
    private static func value(_ cursor: inout JSONCursor) throws(JSONProblem) -> RequestParameters.Value? {
        switch cursor.peek() {
        case UInt8(ascii: "\""): return .text(try cursor.string())
        case UInt8(ascii: "t"), UInt8(ascii: "f"): return .bool(try cursor.bool())
        case UInt8(ascii: "n"), UInt8(ascii: "["), UInt8(ascii: "{"):
            try cursor.skip()
            return nil
        default:
            let number = try cursor.number()
            return number.integer(Int64.self).map { .integer($0) } ?? .number(number.double)
        }
    }

    // MARK: an input

    private mutating func input(_ cursor: inout JSONCursor, _ index: Int) throws(JSONProblem) -> Input {
        var input = Input()
        var isNamed = false
        var datatype: Datatype?
        var shape: [Int]?
        var text: TensorText?
        var dataOffset: Int?
        _ = cursor.peek()
        let place = cursor.position
        try cursor.object { cursor, name throws(JSONProblem) in
            switch name {
            case "name":
                input.name = try cursor.string()
                isNamed = true
            case "datatype": datatype = try V2RequestReader.datatype(&cursor)
            case "shape": shape = try V2RequestReader.shape(&cursor)
            case "parameters": try readTensorParameters(&cursor, &input)
            case "data":
                _ = cursor.peek()
                dataOffset = cursor.offset
                // Most clients say the type first; for the others the elements are passed over and read later.
                if let datatype { text = try cursor.tensor(datatype) } else { try cursor.skip() }
            default: try cursor.skip()
            }
        }
        guard isNamed else { throw cursor.problem("inputs[\(index)] has no \"name\"", at: place) }
        guard let datatype else { throw cursor.problem("input '\(input.name)' has no \"datatype\"", at: place) }
        guard let shape else { throw cursor.problem("input '\(input.name)' has no \"shape\"", at: place) }
        input.datatype = datatype
        input.shape = shape
        guard let dataOffset else {
            guard input.binarySize != nil else {
                throw cursor.problem(
                    "input '\(input.name)' has neither \"data\" nor the parameter binary_data_size", at: place)
            }
            return input
        }
        guard input.binarySize == nil else {
            throw cursor.problem(
                "input '\(input.name)' has \"data\" and the parameter binary_data_size; it is one or the other",
                at: place)
        }
        if text == nil {
            text = try cursor.revisit(dataOffset) { cursor throws(JSONProblem) in try cursor.tensor(datatype) }
        }
        guard let text else { return input }
        try V2RequestReader.check(text, input, at: cursor.start + dataOffset, cursor)
        input.contents = text.contents
        return input
    }

    /// Elements come flat or nested as the shape says.
    private static func check(
        _ text: TensorText, _ input: Input, at place: UnsafePointer<UInt8>, _ cursor: JSONCursor
    ) throws(JSONProblem) {
        let shape = "[\(input.shape.map(String.init).joined(separator: ","))]"
        guard let count = TypedContents.elementCount(input.shape), count == text.count else {
            throw cursor.problem("input '\(input.name)' has \(text.count) elements; its shape is \(shape)", at: place)
        }
        guard text.extents.count <= 1 || text.extents == input.shape || text.count == 0 else {
            let nested = text.extents.map(String.init).joined(separator: ",")
            throw cursor.problem(
                "the lists of input '\(input.name)' are nested as [\(nested)]; its shape is \(shape)", at: place)
        }
    }

    private static func datatype(_ cursor: inout JSONCursor) throws(JSONProblem) -> Datatype {
        _ = cursor.peek()
        let place = cursor.position
        let name = try cursor.string()
        guard let datatype = Datatype(name: name) else {
            let known = Datatype.allCases.map(\.name).joined(separator: ", ")
            throw cursor.problem("there is no datatype '\(name)'; there are \(known)", at: place)
        }
        return datatype
    }

    private static func shape(_ cursor: inout JSONCursor) throws(JSONProblem) -> [Int] {
        var shape: [Int] = []
        try cursor.array { cursor, _ throws(JSONProblem) in
            _ = cursor.peek()
            let place = cursor.position
            guard let dimension = try cursor.number().integer(Int.self), dimension >= 0 else {
                throw cursor.problem("a dimension is a whole number, 0 or more", at: place)
            }
            shape.append(dimension)
        }
        return shape
    }

    private mutating func readTensorParameters(
        _ cursor: inout JSONCursor, _ input: inout Input
    ) throws(JSONProblem) {
        try cursor.object { cursor, name throws(JSONProblem) in
            if name == "binary_data_size" {
                _ = cursor.peek()
                let place = cursor.position
                guard let size = try cursor.number().integer(Int.self), size >= 0 else {
                    throw cursor.problem("binary_data_size is a whole number, 0 or more", at: place)
                }
                input.binarySize = size
            } else {
                try cursor.skip()
                note(name, of: input.name)
            }
        }
    }

    private mutating func note(_ name: String, of tensor: String) {
        do throws(ServingError) { try RequestParameters.check(name, of: tensor) } catch { failure = failure ?? error }
    }

    // MARK: an output

    private mutating func output(_ cursor: inout JSONCursor, _ index: Int) throws(JSONProblem) -> V2Request.Output {
        var output = V2Request.Output(name: "", isBinary: nil)
        var isNamed = false
        _ = cursor.peek()
        let place = cursor.position
        try cursor.object { cursor, name throws(JSONProblem) in
            switch name {
            case "name":
                output.name = try cursor.string()
                isNamed = true
            case "parameters":
                try cursor.object { cursor, name throws(JSONProblem) in
                    if name == "binary_data" {
                        output.isBinary = try cursor.bool()
                    } else {
                        try cursor.skip()
                        note(name, of: output.name)
                    }
                }
            default: try cursor.skip()
            }
        }
        guard isNamed else { throw cursor.problem("outputs[\(index)] has no \"name\"", at: place) }
        return output
    }
}
