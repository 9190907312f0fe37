internal import YAML

/// A conda environment (`environment.yml`): its Python, its packages under the names that PyPI has for them, and its list
/// for pip.
struct CondaFile {
    var python: PythonConstraint?
    var requirements: [Requirement] = []
    var takesPreReleases = false
    /// By line.
    var problems: [String] = []
    /// Packages that pip can't install, each with what to do instead.
    var onlyConda: [String] = []
    /// What was passed over, for the log.
    var notes: [String] = []

    /// - Throws: `YAMLError` with line and column.
    init(_ text: String) throws {
        let document = try YAMLReader.read(Array(text.utf8))
        guard case .map(let entries) = document else {
            problems.append("it has no `dependencies:`")
            return
        }
        for entry in entries {
            switch entry.name {
            case "name", "prefix": break
            case "dependencies":
                if case .list(let list) = entry.value {
                    for item in list { read(item) }
                } else if entry.value != .null {
                    problems.append(Self.at(entry.value.line, "`dependencies` is no list"))
                }
            case "channels":
                notes.append("the channels of conda are passed over: packages come from the builder's index")
            case "variables":
                problems.append(
                    Self.at(
                        entry.value.line, "`variables` is not taken: give them to the build, `--env NAME=value`"))
            case "platforms", "category": notes.append("`\(entry.name)` is passed over")
            default:
                problems.append(Self.at(entry.value.line, "\(entry.name.shown) is nothing that an environment has"))
            }
        }
        if !entries.contains(where: { $0.name == "dependencies" }) { problems.append("it has no `dependencies:`") }
    }

    private static func at(_ line: Int, _ text: String) -> String { line > 0 ? "line \(line): \(text)" : text }

    private mutating func read(_ item: YAMLValue) {
        switch item {
        case .text(let text, let line):
            do throws(RequirementError) { try readPackage(text) } catch { problems.append(Self.at(line, "\(error)")) }
        case .map(let entries) where entries.count == 1 && entries.first?.name == "pip":
            for entry in entries.flatMap(\.value.list) { readPip(entry) }
        default: problems.append(Self.at(item.line, "a dependency is a text, or `pip:` with a list"))
        }
    }

    private mutating func readPip(_ item: YAMLValue) {
        guard case .text(let text, let line) = item else {
            problems.append(Self.at(item.line, "in the list for pip stands something that is no text"))
            return
        }
        let file = RequirementsFile(text)
        requirements += file.requirements
        if file.takesPreReleases { takesPreReleases = true }
        // It knows its own lines only.
        problems += file.problems.map { problem in
            Self.at(line, problem.split(separator: ": ", maxSplits: 1).last.map(String.init) ?? problem)
        }
    }

    /// `channel::name=1.2=build`, `name>=1.2,<2`, `name 1.2.*`.
    private mutating func readPackage(_ text: String) throws(RequirementError) {
        var text = text.trimmed
        if let channel = text.firstRange(of: "::") { text = text[channel.upperBound...] }
        let name = text.prefix { $0.isASCII && ($0.isLetter || $0.isNumber || "-_.".contains($0)) }
        guard !name.isEmpty else { throw RequirementError("\(text.shown) begins with no package's name") }
        let rest = text.dropFirst(name.count).trimmed
        guard rest.first != "[" else {
            throw RequirementError("\(text.shown): conditions in brackets are not taken: `\(name)>=1.2`")
        }
        guard !rest.contains("|") else {
            throw RequirementError("\(text.shown): one version or another can't be asked for: name a range, `>=1.2,<3`")
        }
        if name.lowercased() == "python" {
            python = try PythonConstraint(rest)
            return
        }
        switch CondaPackages.meaning(of: String(name)) {
        case .nothing: return
        case .onlyConda(let advice): onlyConda.append("\(name) (\(advice))")
        case .unknown:
            onlyConda.append("\(name) (if PyPI has it, put it into the list below `- pip:`)")
        case .package(let other):
            var requirement = Requirement(name: other)
            requirement.versions = try Self.versions(rest, of: name)
            requirements.append(requirement)
        }
    }

    private static func versions(_ text: Substring, of name: Substring) throws(RequirementError) -> [String] {
        var found: Set<String> = []
        for part in text.split(separator: ",").map(\.trimmed) where !part.isEmpty && part != "*" {
            let sign = Requirement.operators.first { part.hasPrefix($0) } ?? (part.hasPrefix("=") ? "=" : "")
            let words = part.dropFirst(sign.count).split { $0 == "=" || $0.isWhitespace }
            guard let version = words.first, words.count <= 2, words.count == 1 || ["", "=", "=="].contains(sign)
            else { throw RequirementError("\(name)\(part.shown) names no version: `\(name)>=1.2`") }
            switch sign {
            // With a build behind it a version is meant as it stands; else what begins so will do.
            case "=" where words.count == 1 && !version.hasSuffix("*"): found.insert("==\(version).*")
            case "=", "": found.insert("==\(version.hasSuffix("*") ? Self.prefix(version) : String(version))")
            default: found.insert(sign + (version.hasSuffix("*") ? Self.prefix(version) : String(version)))
            }
        }
        // The same rules as everywhere.
        return try Requirement("\(name)\(found.sorted().joined(separator: ","))").versions
    }

    /// Conda writes `1.2*` as well.
    private static func prefix(_ version: Substring) -> String {
        let stem = version.dropLast()
        return stem.hasSuffix(".") ? "\(version)" : "\(stem).*"
    }
}
