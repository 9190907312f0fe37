import ResourceKit
import RPC

/// What is wrong with a query, and where.
struct SearchError: Error, Equatable, RPCErrorConvertible {
    /// Characters before the place.
    let offset: Int
    let message: String
    /// The query, for showing the place.
    var query = ""

    var column: Int { offset + 1 }

    /// The message with the line and a caret under the place.
    var text: String {
        // Whatever else moves the line on would move the caret away.
        let line = query.map { $0.isNewline || $0 == "\t" ? " " : $0 }
        let start = max(0, min(offset, line.count) - 60)
        let end = min(line.count, start + 100)
        let lead = start > 0 ? "…" : ""
        let shown = lead + String(line[start..<end]) + (end < line.count ? "…" : "")
        let caret = String(repeating: " ", count: min(offset, line.count) - start + lead.count) + "^"
        return "column \(column): \(message)\n  \(shown)\n  \(caret)"
    }

    var rpcError: RPCError { .badRequest(field: "query", text) }
}
