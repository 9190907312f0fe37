import Protobuf
import Serving

/// Rows of cells, with or without names for the columns.
struct Frame {
    /// Empty where nobody names them.
    var columns: [String]
    var rows: [[JSONTree]]

    init(columns: [String], rows: [[JSONTree]]) {
        self.columns = columns
        self.rows = rows
    }

    /// - Parameters:
    ///   - list: lists of cells, objects by column, or single cells.
    ///   - names: of the columns, where rows do not name them.
    init(list: JSONTree, _ names: [String]) throws(ServingError) {
        guard case .array(let elements) = list else {
            throw ServingError(.invalidInput, "a list of rows is expected, not \(list.kind)")
        }
        if case .object(let members)? = elements.first {
            try self.init(records: elements, members.map(\.name))
        } else {
            try self.init(lists: elements, names)
        }
    }

    private init(lists elements: [JSONTree], _ names: [String]) throws(ServingError) {
        self.init(columns: names, rows: [])
        for (index, element) in elements.enumerated() {
            switch element {
            case .array(let cells): rows.append(cells)
            case .object: throw Frame.mixed(index)
            default: rows.append([element])
            }
            let count = rows[index].count
            guard count == width else {
                throw ServingError(.invalidInput, "row \(index) has \(count) cells where others have \(width)")
            }
        }
    }

    /// The first row names the columns; what another one leaves out is missing there.
    private init(records elements: [JSONTree], _ names: [String]) throws(ServingError) {
        self.init(columns: names, rows: [])
        var places: [String: Int] = [:]
        for (index, name) in names.enumerated() {
            guard places.updateValue(index, forKey: name) == nil else {
                throw ServingError(.invalidInput, "row 0 has two cells '\(name)'")
            }
        }
        for (index, element) in elements.enumerated() {
            guard case .object(let members) = element else { throw Frame.mixed(index) }
            // Most often all rows say their cells in the same order.
            if members.count == names.count, zip(members, names).allSatisfy({ $0.name == $1 }) {
                rows.append(members.map(\.value))
                continue
            }
            var cells = [JSONTree](repeating: .null, count: names.count)
            for member in members {
                guard let place = places[member.name] else {
                    throw ServingError(
                        .invalidInput, "row \(index) has the column '\(member.name)', which row 0 does not have")
                }
                cells[place] = member.value
            }
            rows.append(cells)
        }
    }

    private static func mixed(_ index: Int) -> ServingError {
        ServingError(.invalidInput, "row \(index) is not of the same form as the rows before it")
    }

    var width: Int { rows.first?.count ?? columns.count }

    func place(of column: String) throws(ServingError) -> Int {
        guard let place = columns.firstIndex(of: column), place < width else {
            throw ColumnOrder.missing(column, columns)
        }
        return place
    }

    /// Cells of some columns as a model takes them, row by row.
    /// - Parameter isText: cells are texts of numbers, as in CSV.
    func contents(
        _ places: [Int], _ input: TensorSpecification, isText: Bool
    ) throws(ServingError) -> Bytes {
        var sink = ByteSink(capacity: rows.count * places.count * (input.datatype.elementBytes ?? 16))
        for (index, row) in rows.enumerated() {
            for place in places {
                guard place < row.count else {
                    throw ServingError(
                        .invalidInput, "row \(index) has \(row.count) cells; input '\(input.name)' needs more")
                }
                guard let bytes = CellText.contents(row[place], input.datatype, isText: isText) else {
                    let name = columns.indices.contains(place) ? "'\(columns[place])'" : "\(place)"
                    throw ServingError(
                        .invalidInput,
                        "row \(index), column \(name): \(CellText.said(row[place])) is no \(input.datatype.name)")
                }
                sink.append(bytes)
            }
        }
        return sink.bytes
    }
}

/// A cell as a model takes it.
enum CellText {
    /// - Returns: nil where the cell is nothing of that type.
    static func contents(_ cell: JSONTree, _ datatype: Datatype, isText: Bool) -> [UInt8]? {
        switch (datatype, cell) {
        case (.bytes, .string(let text)): framed(text)
        case (.bytes, .number(let text)) where isText: framed(text)
        case (.bool, .bool(let value)): [value ? 1 : 0]
        case (_, .bool(let value)): parsed(value ? "1" : "0", datatype)
        case (.fp16, .null), (.fp32, .null), (.fp64, .null), (.bf16, .null): parsed("NaN", datatype)
        case (_, .number(let text)): parsed(text, datatype)
        case (_, .string(let text)) where isText: parsed(normal(text, datatype), datatype)
        default: nil
        }
    }

    static func said(_ cell: JSONTree) -> String {
        switch cell {
        case .string(let text): "\"\(text.prefix(100))\""
        case .number(let text): String(text.prefix(100))
        default: cell.kind
        }
    }

    private static func framed(_ text: String) -> [UInt8] {
        withUnsafeBytes(of: UInt32(truncatingIfNeeded: text.utf8.count).littleEndian) { Array($0) } + Array(text.utf8)
    }

    private static func parsed(_ text: String, _ datatype: Datatype) -> [UInt8]? {
        let read = try? JSONCursor.read(Array(text.utf8)[...]) { cursor throws(JSONProblem) in
            try cursor.tensor(datatype)
        }
        guard let read, read.extents.isEmpty else { return nil }
        return Array(read.contents)
    }

    /// How CSV writes numbers, as JSON does.
    private static func normal(_ text: String, _ datatype: Datatype) -> String {
        switch text {
        case "", "nan", "NA", "null": return "NaN"
        case "inf", "+inf": return "Infinity"
        case "-inf": return "-Infinity"
        case "True", "TRUE": return "true"
        case "False", "FALSE": return "false"
        default:
            // `+1`, `.5`, `1.`: no JSON, and numbers all the same.
            guard [.fp16, .fp32, .fp64, .bf16].contains(datatype), let first = text.utf8.first,
                let last = text.utf8.last,
                first == UInt8(ascii: "+") || first == UInt8(ascii: ".") || last == UInt8(ascii: "."),
                let value = Double(text)
            else { return text }
            return value.description
        }
    }
}
