import Protobuf
import Serving

/// A body of rows, as `/invocations` and `/score` take them, made into what a model takes.
///
/// - `{"data": …}`, `{"inputs": …}`, `{"instances": …}`, `{"input_data": …}`, or what they hold alone: numbers in lists for
///   the only input, an object of such lists by input, a list of objects by column, or `columns` with `data`;
/// - `{"dataframe_split": {"columns", "data"}}`, `{"dataframe_records": [{…}]}`;
/// - CSV, with a line of names or without.
struct RowPayload {
    private let summary: ModelSummary

    init(_ summary: ModelSummary) { self.summary = summary }

    /// Members under which rows are found.
    static let names = ["data", "input_data", "inputs", "instances", "dataframe_split", "dataframe_records"]

    /// - Throws: `JSONProblem`, `ServingError` with `invalidInput`.
    func tensors(_ body: Bytes, mediaType: String) throws -> [Tensor] {
        switch mediaType {
        case "text/csv":
            return try frame(try CSVRows.read(body, isHeader: isHeader), isText: true)
        case "", "application/json", "application/x-www-form-urlencoded", "text/plain", "application/octet-stream":
            return try json(body)
        case let type where type.hasPrefix("application/") && type.hasSuffix("json"): return try json(body)
        default:
            throw ServingError(
                .invalidInput, "the content-type \"\(mediaType)\" is not taken here; application/json and text/csv are")
        }
    }

    private func json(_ body: Bytes) throws -> [Tensor] {
        let outcome = try JSONCursor.read(body) {
            cursor throws(JSONProblem) -> Result<[Tensor], ServingError> in
            guard cursor.peek() == UInt8(ascii: "{") else { return try self.rows(&cursor) }
            var found: [(name: String, offset: Int)] = []
            try cursor.object { cursor, name throws(JSONProblem) in
                _ = cursor.peek()
                if RowPayload.names.contains(name) { found.append((name, cursor.offset)) }
                try cursor.skip()
            }
            guard let place = found.first, found.count == 1 else {
                let names = RowPayload.names.joined(separator: ", ")
                return .failure(
                    ServingError(.invalidInput, "the body should have exactly one of \(names); it has \(found.count)"))
            }
            return try cursor.revisit(place.offset) { cursor throws(JSONProblem) in try self.rows(&cursor) }
        }
        return try outcome.get()
    }

    /// What stands under one of the names.
    private func rows(_ cursor: inout JSONCursor) throws(JSONProblem) -> Result<[Tensor], ServingError> {
        switch cursor.peek() {
        case UInt8(ascii: "["):
            if let input = onlyInput, !holdsObjects(cursor) {
                let text = try cursor.tensor(input.datatype)
                return caught { () throws(ServingError) in [try self.shaped(text, input)] }
            }
            let tree = try cursor.tree()
            return caught { () throws(ServingError) in try self.frame(try Frame(list: tree, self.columnNames)) }
        case UInt8(ascii: "{"): return try object(&cursor)
        default: throw cursor.found("a list or an object is expected here")
        }
    }

    private func caught(_ body: () throws(ServingError) -> [Tensor]) -> Result<[Tensor], ServingError> {
        do throws(ServingError) { return .success(try body()) } catch { return .failure(error) }
    }

    /// Whether the list that comes next begins with an object.
    private func holdsObjects(_ cursor: JSONCursor) -> Bool {
        var copy = cursor
        return copy.take(UInt8(ascii: "[")) && copy.peek() == UInt8(ascii: "{")
    }

    /// Columns with rows, or lists by input.
    private func object(_ cursor: inout JSONCursor) throws(JSONProblem) -> Result<[Tensor], ServingError> {
        var columns: [String]?
        var data: Int?
        var named: [(name: String, offset: Int)] = []
        try cursor.object { cursor, name throws(JSONProblem) in
            _ = cursor.peek()
            named.append((name, cursor.offset))
            switch name {
            case "columns" where cursor.peek() == UInt8(ascii: "["):
                var list: [String] = []
                try cursor.array { cursor, _ throws(JSONProblem) in
                    guard cursor.peek() == UInt8(ascii: "\"") else {
                        return list.append(String(decoding: try cursor.tree().bytes, as: UTF8.self))
                    }
                    list.append(try cursor.string())
                }
                columns = list
            case "data":
                data = cursor.offset
                try cursor.skip()
            default: try cursor.skip()
            }
        }
        if let data {
            return try cursor.revisit(data) { cursor throws(JSONProblem) in try self.split(&cursor, columns) }
        }
        var tensors: [Tensor] = []
        for (name, offset) in named {
            guard let input = summary.inputs.first(where: { $0.name == name }) else {
                return .failure(
                    ServingError(
                        .invalidInput, "'\(name)' is no input of the model; it takes \(inputNames)"))
            }
            let text = try cursor.revisit(offset) { cursor throws(JSONProblem) in try cursor.tensor(input.datatype) }
            do throws(ServingError) { tensors.append(try shaped(text, input)) } catch { return .failure(error) }
        }
        return .success(tensors)
    }

    private func split(
        _ cursor: inout JSONCursor, _ columns: [String]?
    ) throws(JSONProblem) -> Result<[Tensor], ServingError> {
        guard let input = onlyInput, input.datatype != .bytes, let size = input.datatype.elementBytes else {
            let tree = try cursor.tree()
            return caught { () throws(ServingError) in
                try self.frame(try Frame(list: tree, columns ?? self.columnNames))
            }
        }
        var text = try cursor.tensor(input.datatype)
        return caught { () throws(ServingError) in
            if let columns, !input.columns.isEmpty, columns != input.columns, text.extents.count == 2 {
                text = try ColumnOrder.arrange(text, from: columns, to: input.columns, size: size)
            }
            return [try self.shaped(text, input)]
        }
    }

    // MARK: frames of mixed columns

    /// - Parameter isText: cells are texts, whatever their column is.
    private func frame(_ frame: Frame, isText: Bool = false) throws(ServingError) -> [Tensor] {
        if let input = onlyInput, frame.columns.isEmpty || !frame.columns.contains(input.name) || input.shape.count > 1
        {
            let columns = input.columns.isEmpty ? frame.columns : input.columns
            let width = frame.width
            let places =
                columns.isEmpty || frame.columns.isEmpty
                ? Array(0..<width) : try columns.map { name throws(ServingError) in try frame.place(of: name) }
            let contents = try frame.contents(places, input, isText: isText)
            let text = TensorText(
                contents: contents, extents: [frame.rows.count, places.count], count: frame.rows.count * places.count)
            return [try shaped(text, input)]
        }
        var tensors: [Tensor] = []
        for (index, input) in summary.inputs.enumerated() {
            if input.mayBeAbsent, !frame.columns.isEmpty, !frame.columns.contains(input.name) { continue }
            let place = frame.columns.isEmpty ? index : try frame.place(of: input.name)
            let contents = try frame.contents([place], input, isText: isText)
            let text = TensorText(contents: contents, extents: [frame.rows.count], count: frame.rows.count)
            tensors.append(try shaped(text, input))
        }
        return tensors
    }

    /// Whether a line of CSV holds names: none of its cells is a number, or all are names of the model's.
    private func isHeader(_ cells: [String]) -> Bool {
        let known = Set(columnNames)
        if !known.isEmpty, cells.allSatisfy(known.contains) { return true }
        let takesText = summary.inputs.contains { $0.datatype == .bytes }
        return !takesText && cells.contains { !$0.isEmpty && Double($0) == nil }
    }

    // MARK: shapes

    private var onlyInput: TensorSpecification? { summary.inputs.count == 1 ? summary.inputs.first : nil }
    private var inputNames: String { summary.inputs.map(\.name).joined(separator: ", ") }

    /// What the columns are called: the only input's columns, or else the inputs.
    private var columnNames: [String] {
        if let input = onlyInput { return input.columns }
        return summary.inputs.map(\.name)
    }

    /// Gives elements a shape that the input takes, where their lists leave no doubt: one row may stand without the list of
    /// rows, and one column with a list for each row or without.
    private func shaped(_ text: TensorText, _ input: TensorSpecification) throws(ServingError) -> Tensor {
        var shape = text.extents
        let wanted = input.shape
        if !wanted.isEmpty, !RowPayload.fits(shape, wanted) {
            let alternatives = [[1] + shape, shape + [1], shape.last == 1 ? shape.dropLast() : shape]
            shape = alternatives.first { RowPayload.fits($0, wanted) } ?? shape
        }
        guard wanted.isEmpty || RowPayload.fits(shape, wanted) else {
            func said(_ shape: [Int]) -> String { "[\(shape.map(String.init).joined(separator: ","))]" }
            throw ServingError(
                .invalidInput,
                "the rows are nested as \(said(text.extents)); input '\(input.name)' takes \(said(wanted))")
        }
        return Tensor(name: input.name, datatype: input.datatype, shape: shape, contents: text.contents)
    }

    private static func fits(_ shape: [Int], _ wanted: [Int]) -> Bool {
        shape.count == wanted.count && zip(shape, wanted).allSatisfy { $1 < 0 || $0 == $1 }
    }
}
