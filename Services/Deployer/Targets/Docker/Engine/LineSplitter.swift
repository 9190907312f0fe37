/// Cuts bytes into lines as they come.
struct LineSplitter {
    private var rest: [UInt8] = []
    private let limit: Int

    /// - Parameter limit: what a line may have; a longer one is handed on in pieces.
    init(limit: Int) { self.limit = max(1, limit) }

    /// The lines that are complete now, without what ends them.
    mutating func add(_ bytes: ArraySlice<UInt8>) -> [[UInt8]] {
        var lines: [[UInt8]] = []
        for piece in bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).enumerated() {
            if piece.offset > 0 { lines.append(take()) }
            rest += piece.element
            while rest.count > limit {
                lines.append(Array(rest.prefix(limit)))
                rest.removeFirst(limit)
            }
        }
        return lines
    }

    /// What stands without an end.
    mutating func take() -> [UInt8] {
        defer { rest = [] }
        if rest.last == UInt8(ascii: "\r") { rest.removeLast() }
        return rest
    }
}
