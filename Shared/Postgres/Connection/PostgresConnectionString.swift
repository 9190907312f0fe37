import CPostgreSQL

/// What libpq makes of a connection string, and of a failure to connect.
enum PostgresConnectionString {
    /// What the string itself says, by keyword.
    /// - Throws: `PostgresError` of kind `usage` where libpq does not understand the string.
    static func parsed(_ connection: String) throws -> [String: String] {
        var message: UnsafeMutablePointer<CChar>?
        guard let parsed = PQconninfoParse(connection, &message) else {
            defer { PQfreemem(message) }
            // libpq names the option that it stumbled over, never a value.
            throw PostgresError(.usage, "connection string: " + trimmed(message.map { String(cString: $0) } ?? ""))
        }
        defer { PQconninfoFree(parsed) }
        return values(parsed)
    }

    /// What libpq takes where the string says nothing: from the environment, or compiled in. May read files.
    static var defaults: [String: String] {
        guard let options = PQconndefaults() else { return [:] }
        defer { PQconninfoFree(options) }
        return values(options)
    }

    private static func values(_ first: UnsafeMutablePointer<PQconninfoOption>) -> [String: String] {
        var values: [String: String] = [:]
        var option = first
        while let keyword = option.pointee.keyword {
            if let value = option.pointee.val { values[String(cString: keyword)] = String(cString: value) }
            option += 1
        }
        return values
    }

    /// The text is libpq's verbose form: "…: FATAL:  3D000: database … does not exist\nLOCATION: …".
    static func error(_ text: String) -> PostgresError {
        var error = PostgresError(.connection, trimmed(text))
        guard let severity = text.indexAfter("FATAL:  ") else { return error }
        let code = text[severity...].prefix(5)
        guard code.count == 5, code.allSatisfy({ $0.isASCII && ($0.isNumber || $0.isUppercase) }) else { return error }
        error.code = SQLState(String(code))
        let line = text[severity...].dropFirst(7).prefix { $0 != "\n" }
        error.message = "cannot connect: " + line
        return error
    }

    static func trimmed(_ text: String) -> String {
        var text = Substring(text)
        while text.last?.isWhitespace == true { text.removeLast() }
        return String(text)
    }
}

extension PostgresError {
    /// The server refuses for a reason that time alone does not cure: a wrong password, no such database.
    var isPermanentRefusal: Bool {
        guard kind == .connection else { return true }
        return code.classCode == "28" || code.classCode == "3D" || code == .undefinedTable || code.classCode == "42"
    }
}

extension String {
    /// The index right after the first occurrence of `text`.
    fileprivate func indexAfter(_ text: String) -> String.Index? {
        var start = startIndex
        while start < endIndex {
            if self[start...].hasPrefix(text) { return index(start, offsetBy: text.count) }
            start = index(after: start)
        }
        return nil
    }
}
