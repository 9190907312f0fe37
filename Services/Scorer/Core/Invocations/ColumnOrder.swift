import Protobuf
import Serving

/// Brings the columns of rows into the order in which a model takes them.
enum ColumnOrder {
    /// - Parameter size: bytes of an element.
    /// - Throws: where a column is missing, or rows have other than one cell for each name.
    static func arrange(
        _ text: TensorText, from columns: [String], to wanted: [String], size: Int
    ) throws(ServingError) -> TensorText {
        let (rows, width) = (text.extents[0], text.extents[1])
        guard width == columns.count else {
            throw ServingError(.invalidInput, "there are \(columns.count) columns, and rows of \(width) cells")
        }
        var places: [Int] = []
        for name in wanted {
            guard let place = columns.firstIndex(of: name) else { throw missing(name, columns) }
            places.append(place)
        }
        var contents: [UInt8] = []
        contents.reserveCapacity(rows * places.count * size)
        for row in 0..<rows {
            for place in places {
                let start = text.contents.startIndex + (row * width + place) * size
                contents.append(contentsOf: text.contents[start..<start + size])
            }
        }
        return TensorText(contents: contents[...], extents: [rows, places.count], count: rows * places.count)
    }

    static func missing(_ name: String, _ columns: [String]) -> ServingError {
        ServingError(
            .invalidInput, "the column '\(name)' is missing; there are \(columns.joined(separator: ", "))")
    }
}
