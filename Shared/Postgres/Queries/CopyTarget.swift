/// Where a COPY goes.
struct CopyTarget {
    let table: String
    let columns: [String]

    private var place: String {
        table.split(separator: ".").map { quotedIdentifier(String($0)) }.joined(separator: ".")
    }
    private var list: String { columns.map(quotedIdentifier).joined(separator: ", ") }

    var statement: PostgresQuery {
        "COPY \(unsafe: place) (\(unsafe: list)) FROM STDIN (FORMAT binary)"
    }

    /// COPY casts nothing: bytes of another type would be refused with little to go by, or be taken for something else.
    func check(_ types: [PostgresType], in transaction: PostgresTransaction) async throws {
        guard types.count == columns.count else {
            throw PostgresError(.usage, "\(columns.count) columns, and \(types.count) values for them")
        }
        let rows = try await transaction.query("SELECT \(unsafe: list) FROM \(unsafe: place) LIMIT 0")
        for (index, (column, type)) in zip(columns, types).enumerated() {
            let wanted = rows.result.type(index)
            guard wanted != type, !(type == .text && wanted.isTextInside) else { continue }
            var error = PostgresError(.usage, "column \"\(column)\" is of type \(wanted), and \(type) is sent")
            error.table = table
            error.column = column
            throw error
        }
    }

    /// Adds what the server tells of the place: `COPY table, line 3, column name: …`, in the server's language.
    func located(_ error: PostgresError, after done: Int) -> PostgresError {
        guard let context = error.context, let name = table.split(separator: ".").last else { return error }
        let start = "COPY \(name), "
        guard let line = context.split(separator: "\n").first(where: { $0.hasPrefix(start) }) else { return error }
        let rest = line.dropFirst(start.count)
        guard let first = rest.firstIndex(where: \.isASCIIDigit) else { return error }
        let digits = rest[first...].prefix(while: \.isASCIIDigit)
        guard let number = Int(digits) else { return error }
        var located = error
        located.row = done + number
        if located.column == nil {
            // Of several names that fit, the longest: one may end like another.
            let tail = rest[digits.endIndex...]
            located.column = columns.filter { tail.hasSuffix(" \($0)") || tail.contains(" \($0):") }
                .max { $0.count < $1.count }
        }
        return located
    }
}

extension PostgresType {
    /// What takes the bytes of a text as they are.
    fileprivate var isTextInside: Bool {
        switch self {
        case .varchar, .bpchar, .name, .json: true
        default: isUserDefined
        }
    }
}

extension Character {
    fileprivate var isASCIIDigit: Bool { isASCII && isNumber }
}
