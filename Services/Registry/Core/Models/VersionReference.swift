import Contracts
import RPC

/// Which version somebody means: `churn/3`, `churn:3`, `churn/latest`, `churn@champion`, with or without `models:/`.
struct VersionReference: Hashable {
    enum Which: Hashable {
        case number(Int32)
        case latest
        case alias(String)
    }
    let name: String
    let which: Which

    init(name: String, which: Which) {
        self.name = name
        self.which = which
    }

    /// - Throws: `invalidArgument` saying what would be right.
    init(_ text: String, field: String = "version") throws(RPCError) {
        guard let parsed = VersionReference(parsing: text) else {
            let shown = text.isEmpty ? "it is empty" : "\"\(text.prefix(200))\" names no version"
            throw .badRequest(
                field: field, "\(shown): write name/3, name:3, name/latest or name@alias, with or without models:/")
        }
        self = parsed
    }

    init?(parsing text: String) {
        var rest = text[...]
        if rest.hasPrefix("models:/") { rest = rest.dropFirst(8) }
        guard let mark = rest.lastIndex(where: { $0 == "@" || $0 == "/" || $0 == ":" }) else { return nil }
        name = String(rest[..<mark])
        let behind = String(rest[rest.index(after: mark)...])
        guard NameRules.isModel(name) else { return nil }
        if rest[mark] == "@" {
            guard NameRules.isAlias(behind) else { return nil }
            which = .alias(behind)
        } else if behind == "latest" {
            which = .latest
        } else {
            // Digits alone: neither signs nor zeros in front, so that a version has one name.
            guard let number = Int32(behind), number > 0, "\(number)" == behind else { return nil }
            which = .number(number)
        }
    }

    /// As it is written in messages.
    var text: String {
        switch which {
        case .number(let number): "\(name):\(number)"
        case .latest: "\(name)/latest"
        case .alias(let alias): "\(name)@\(alias)"
        }
    }
}

extension Slipway.Models.V1.ModelVersion {
    /// As the journal and the lineage name it.
    var subject: String { "models/\(model):\(version)" }
}
