/// Rows under headings, each column as wide as it must be.
public struct Table: Sendable {
    public enum Alignment: Sendable { case left, right }

    public struct Column: Sendable {
        let heading: String
        let alignment: Alignment
        /// Gives way where the terminal is too narrow, and down to what.
        let least: Int?

        public init(_ heading: String, _ alignment: Alignment = .left, shrinksTo least: Int? = nil) {
            self.heading = heading
            self.alignment = alignment
            self.least = least
        }
    }

    private let columns: [Column]
    private var rows: [[String]] = []

    public init(_ columns: [Column]) { self.columns = columns }

    /// What is missing at the end of a row is empty.
    public mutating func add(_ cells: [String]) {
        rows.append(columns.indices.map { $0 < cells.count ? DisplayText.harmless(cells[$0]) : "" })
    }

    public var isEmpty: Bool { rows.isEmpty }

    /// - Parameters:
    ///   - width: the terminal's; nil cuts nothing.
    ///   - emphasis: around headings, where colours are wanted.
    public func text(width: Int? = nil, emphasis: (String) -> String = { $0 }) -> String {
        let widths = fit(naturalWidths, to: width)
        var lines = [emphasis(line(columns.map(\.heading), widths))]
        lines += rows.map { line($0, widths) }
        return lines.joined(separator: "\n") + "\n"
    }

    private var naturalWidths: [Int] {
        columns.indices.map { index in
            rows.reduce(DisplayText.width(columns[index].heading)) { max($0, DisplayText.width($1[index])) }
        }
    }

    /// Takes from the widest column that gives way, until the line fits or none does any more.
    private func fit(_ widths: [Int], to width: Int?) -> [Int] {
        guard let width else { return widths }
        var widths = widths
        var excess = widths.reduce(0, +) + 2 * max(0, widths.count - 1) - width
        while excess > 0 {
            let shrinkable = columns.indices.filter { index in columns[index].least.map { widths[index] > $0 } ?? false
            }
            guard let widest = shrinkable.max(by: { widths[$0] < widths[$1] }) else { break }
            widths[widest] -= 1
            excess -= 1
        }
        return widths
    }

    private func line(_ cells: [String], _ widths: [Int]) -> String {
        var line = ""
        for (index, cell) in cells.enumerated() {
            let shown = DisplayText.fitted(cell, to: widths[index])
            let space = String(repeating: " ", count: max(0, widths[index] - DisplayText.width(shown)))
            line += columns[index].alignment == .left ? shown + space : space + shown
            line += "  "
        }
        while line.last == " " { line.removeLast() }
        return line
    }
}
