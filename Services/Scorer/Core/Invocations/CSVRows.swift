import Protobuf
import Serving

/// Comma-separated values: quotes around a cell may hold commas, line ends and doubled quotes.
enum CSVRows {
    /// - Parameter isHeader: whether the first line holds names.
    static func read(_ body: Bytes, isHeader: ([String]) -> Bool) throws(ServingError) -> Frame {
        var lines: [[String]] = []
        var cells: [String] = []
        var cell: [UInt8] = []
        var isQuoted = false
        var index = body.startIndex
        // A mark that some programs put in front of UTF-8.
        if body.starts(with: [0xef, 0xbb, 0xbf]) { index += 3 }
        func endLine() {
            // A line of nothing is no row.
            if !cells.isEmpty || !cell.isEmpty {
                cells.append(String(decoding: cell, as: UTF8.self))
                lines.append(cells)
            }
            cells = []
            cell = []
        }
        while index < body.endIndex {
            let byte = body[index]
            index += 1
            switch byte {
            case UInt8(ascii: "\"") where isQuoted:
                if index < body.endIndex, body[index] == byte {
                    cell.append(byte)
                    index += 1
                } else {
                    isQuoted = false
                }
            case UInt8(ascii: "\"") where cell.isEmpty: isQuoted = true
            case UInt8(ascii: ",") where !isQuoted:
                cells.append(String(decoding: cell, as: UTF8.self))
                cell = []
            case UInt8(ascii: "\r") where !isQuoted: continue
            case UInt8(ascii: "\n") where !isQuoted: endLine()
            default: cell.append(byte)
            }
        }
        guard !isQuoted else {
            throw ServingError(.invalidInput, "line \(lines.count + 1) of the CSV: a quote is open")
        }
        endLine()
        guard let first = lines.first else { throw ServingError(.invalidInput, "the CSV has no line") }
        let hasHeader = isHeader(first)
        let rows = lines.dropFirst(hasHeader ? 1 : 0)
        for (index, row) in rows.enumerated() where row.count != first.count {
            throw ServingError(
                .invalidInput,
                "line \(index + (hasHeader ? 2 : 1)) of the CSV has \(row.count) cells where the first has \(first.count)"
            )
        }
        return Frame(columns: hasHeader ? first : [], rows: rows.map { $0.map { .string($0) } })
    }
}
