/// What pip said when it failed, as far as a person needs it.
struct PipWords {
    private let lines: [String]
    /// Packages of which pip passed over everything that is no wheel.
    private let onlySources: Set<String>

    /// - Parameters:
    ///   - lines: its output and errors in order.
    ///   - log: the lines of its own log that say what was passed over.
    init(_ lines: [String], log: [Substring] = []) {
        self.lines = lines.map { String($0.trimmed) }.filter { !$0.isEmpty }
        var found: Set<String> = []
        for line in log {
            guard let place = line.firstRange(of: "No sources permitted for ") else { continue }
            let name = line[place.upperBound...].prefix { $0 != ":" && !$0.isWhitespace }
            found.insert(Requirement.normal(name))
        }
        onlySources = found
    }

    func failure(_ plan: EnvironmentPlan, index: String) -> BuildFailure {
        let errors = lines.filter { $0.hasPrefix("ERROR: ") }.map { $0.dropFirst(7).trimmed }
        if let failure = conflict(errors) ?? hashes(errors) { return failure }
        if let wanted = Self.after("No matching distribution found for ", in: errors) {
            return missing(String(wanted), errors, plan, index)
        }
        if let trouble = connection() { return unreachable(index, trouble) }
        let said = errors.isEmpty ? lines.suffix(3).map { $0[...] } : errors
        return BuildFailure(
            "dependencies.resolver", "the packages can't be resolved: \(Self.short(said.joined(separator: "; "), 600))")
    }

    private func unreachable(_ index: String, _ trouble: String) -> BuildFailure {
        BuildFailure("dependencies.index", "the index \(Self.withoutSecrets(index)) can't be reached: \(trouble)")
    }

    private func conflict(_ errors: [Substring]) -> BuildFailure? {
        guard
            let line = errors.first(where: {
                $0.contains("conflicting dependencies") || $0.contains("ResolutionImpossible")
            })
        else { return nil }
        var causes: [String] = []
        if let start = lines.firstIndex(where: { $0.hasPrefix("The conflict is caused by") }) {
            for cause in lines[(start + 1)...] {
                if cause.hasPrefix("To fix this") || cause.hasPrefix("ERROR") { break }
                causes.append(cause)
            }
        }
        let more = causes.count > 8 ? ", and \(causes.count - 8) more" : ""
        let reasons = causes.isEmpty ? "" : ": \(causes.prefix(8).joined(separator: ", "))\(more)"
        let what = line.hasSuffix(".") && !reasons.isEmpty ? line.dropLast() : line
        return BuildFailure("dependencies.conflict", Self.short("\(what)", 400) + reasons)
    }

    /// pip's words with the requirements themselves, where it names a file that nobody knows and a line of it.
    static func naming(_ requirements: [String], of file: String, in words: String) -> String {
        var (text, rest) = ("", words[...])
        while let place = rest.firstRange(of: "-r \(file) (line ") {
            let number = rest[place.upperBound...].prefix(while: \.isNumber)
            let after = rest[number.endIndex...]
            guard let line = Int(number), requirements.indices.contains(line - 1), after.hasPrefix(")") else { break }
            text += rest[..<place.lowerBound] + requirements[line - 1]
            rest = after.dropFirst()
        }
        return text + rest
    }

    private func hashes(_ errors: [Substring]) -> BuildFailure? {
        guard
            errors.contains(where: {
                $0.contains("require-hashes") || $0.contains("HASHES") || $0.contains("Hashes are")
            })
        else { return nil }
        let start = lines.firstIndex { $0.hasPrefix("ERROR: ") } ?? 0
        let said = lines[start...].prefix(8).joined(separator: " ")
        return BuildFailure("dependencies.hashes", Self.short("\(said.dropFirst(7))", 600))
    }

    private func missing(
        _ wanted: String, _ errors: [Substring], _ plan: EnvironmentPlan, _ index: String
    ) -> BuildFailure {
        let name = Requirement.normal(
            wanted.prefix { $0.isASCII && ($0.isLetter || $0.isNumber || "-_.".contains($0)) })
        let versions = Self.versions(errors)
        // Where nothing at all was found, the index may not have been asked.
        if versions.isEmpty, let trouble = connection() { return unreachable(index, trouble) }
        let target = "Python \(plan.python)"
        if versions.isEmpty, onlySources.contains(name) {
            return BuildFailure(
                "dependencies.sources",
                "\(wanted) has no wheel for \(target): only sources, and nothing of a package is built here; take a version "
                    + "that has wheels, or put it into a base image")
        }
        if versions.isEmpty {
            return BuildFailure(
                "dependencies.missing",
                "there is no \(wanted) for \(target) in \(Self.withoutSecrets(index)): is the name right?")
        }
        let shown = versions.suffix(6).joined(separator: ", ")
        let sources = onlySources.contains(name) ? "; some versions have sources only, which are not built here" : ""
        return BuildFailure(
            "dependencies.missing",
            "there is no \(wanted) for \(target); \(versions.count > 6 ? "the last versions" : "the versions") that can be "
                + "had are \(shown)\(sources)")
    }

    /// Those that pip lists behind `from versions:`; what needs another Python is not among them.
    private static func versions(_ errors: [Substring]) -> [Substring] {
        guard let list = after("(from versions: ", in: errors), let end = list.firstIndex(of: ")") else { return [] }
        return list[..<end].split(separator: ",").map(\.trimmed).filter { $0 != "none" }
    }

    /// Why the index did not answer.
    private func connection() -> String? {
        for line in lines.reversed() {
            if let range = line.firstRange(of: "after connection broken by") {
                return Self.cause(line[range.upperBound...])
            }
            if line.contains("Could not fetch URL") || line.contains("HTTPSConnectionPool")
                || line.contains("ReadTimeoutError") || line.contains("HTTP error 4") || line.contains("HTTP error 5")
            {
                return Self.cause(line[...])
            }
        }
        return nil
    }

    private static func cause(_ text: Substring) -> String {
        if text.contains("imed out") || text.contains("imeout") { return "it does not answer in time" }
        if text.contains("Name or service not known") || text.contains("name resolution") {
            return "there is no host of that name"
        }
        if text.contains("Connection refused") { return "the connection is refused" }
        if text.contains("CERTIFICATE_VERIFY_FAILED") { return "its certificate is none that is known here" }
        return short(withoutSecrets(String(text.trimmed)), 300)
    }

    private static func after(_ mark: String, in lines: [Substring]) -> Substring? {
        for line in lines {
            if let range = line.firstRange(of: mark) { return line[range.upperBound...] }
        }
        return nil
    }

    static func short(_ text: String, _ count: Int) -> String {
        text.count <= count ? text : text.prefix(count) + "…"
    }

    /// Without the name and password that an address may have.
    static func withoutSecrets(_ text: String) -> String {
        var found = ""
        var rest = text[...]
        while let scheme = rest.firstRange(of: "://") {
            found += rest[..<scheme.upperBound]
            rest = rest[scheme.upperBound...]
            let host = rest.prefix { $0 != "/" && !$0.isWhitespace && $0 != "\"" && $0 != "'" }
            if let at = host.lastIndex(of: "@") { rest = rest[rest.index(after: at)...] }
        }
        return found + rest
    }
}
