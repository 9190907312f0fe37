/// A `requirements.txt`: what it asks for, and what in it can't be had.
///
/// Requirements, conditions, extras, hashes, comments and continued lines are taken. What reaches outside of the file is
/// refused: other files, addresses, folders, and options that say where packages come from, which is the builder's
/// matter.
struct RequirementsFile: Equatable {
    var requirements: [Requirement] = []
    /// Whether versions before a release will do.
    var takesPreReleases = false
    /// By line.
    var problems: [String] = []

    init(_ text: String) {
        for (line, text) in Self.logicalLines(text) {
            do throws(RequirementError) { try read(text) } catch { problems.append("line \(line): \(error)") }
        }
    }

    private mutating func read(_ text: Substring) throws(RequirementError) {
        guard !text.hasPrefix("-") else { return try readOption(text) }
        if text.contains("://") && !text.contains(" @") || text.hasPrefix("git+") {
            throw RequirementError(
                "\(text.shown) is an address; packages come from the builder's index: name the package and its version")
        }
        let isNamed = text.contains(" @")
        if !isNamed,
            [".", "/", "~"].contains(where: text.hasPrefix)
                || [".whl", ".tar.gz", ".zip"].contains(where: text.hasSuffix)
        {
            throw RequirementError(
                "\(text.shown) is a file or a folder; put your own modules into the source tree, and name packages of "
                    + "the index")
        }
        let words = text.split(whereSeparator: \.isWhitespace)
        let end = words.firstIndex { $0.hasPrefix("--") } ?? words.endIndex
        var requirement = try Requirement(words[..<end].joined(separator: " "))
        requirement.hashes = Array(Set(try Self.hashes(words[end...]))).sorted()
        requirements.append(requirement)
    }

    private static func hashes(_ options: ArraySlice<Substring>) throws(RequirementError) -> [String] {
        var found: [String] = []
        var options = options
        while let option = options.popFirst() {
            var value = option.hasPrefix("--hash=") ? option.dropFirst(7) : nil
            if option == "--hash" { value = options.popFirst() }
            guard let value else {
                throw RequirementError(
                    "\(option.shown) is not taken: nothing of a package is built or run, only installed")
            }
            let parts = value.split(separator: ":", omittingEmptySubsequences: false)
            let digits = ["sha256": 64, "sha384": 96, "sha512": 128][parts.first.map(String.init) ?? ""]
            guard parts.count == 2, let digits, parts[1].utf8.count == digits,
                parts[1].allSatisfy({ $0.isASCII && $0.isHexDigit })
            else { throw RequirementError("\(value.shown) is no hash: `--hash=sha256:` and 64 digits") }
            found.append(value.lowercased())
        }
        return found
    }

    private mutating func readOption(_ text: Substring) throws(RequirementError) {
        var option = text.prefix { !$0.isWhitespace && $0 != "=" }
        // Short options may have their value right behind them.
        if !option.hasPrefix("--"), option.count > 2 { option = option.prefix(2) }
        let setting: String? =
            switch option {
            case "-i", "--index-url", "--pypi-url": PythonSettings.Name.index
            case "--extra-index-url": PythonSettings.Name.extraIndexes
            case "-f", "--find-links", "--no-index": PythonSettings.Name.links
            case "--trusted-host": PythonSettings.Name.trustedHosts
            case "--proxy": PythonSettings.Name.proxy
            default: nil
            }
        if let setting {
            throw RequirementError(
                "\(option) is not taken from a file: where packages come from is the image builder's setting "
                    + "`\(setting)`")
        }
        switch option {
        case "--pre": takesPreReleases = true
        // That hashes are asked for shows in the hashes, and other than wheels nothing is taken anyway.
        case "--require-hashes", "--prefer-binary", "--only-binary": return
        case "-r", "--requirement":
            throw RequirementError("\(option) is not followed: put the lines of that file here")
        case "-c", "--constraint":
            throw RequirementError("\(option) is not followed: write the versions behind the packages here")
        case "-e", "--editable":
            throw RequirementError("\(option) is not taken: put your own modules into the source tree")
        case "--no-binary":
            throw RequirementError("\(option) is not taken: nothing of a package is built, so only wheels can be had")
        default: throw RequirementError("the option \(option.shown) is not taken")
        }
    }

    /// Lines without comments, joined where they go on, with the number of their first.
    private static func logicalLines(_ text: String) -> [(line: Int, text: Substring)] {
        var found: [(line: Int, text: Substring)] = []
        var (pending, start) = ("", 0)
        var number = 0
        func end() {
            let line = withoutComment(pending).trimmed
            if !line.isEmpty { found.append((start, line)) }
            pending = ""
        }
        for line in text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline) {
            number += 1
            if pending.isEmpty { start = number }
            if line.last == "\\", line.trimmed.first != "#" {
                pending += line.dropLast() + " "
                continue
            }
            // A comment ends what went on until there.
            pending += line.trimmed.first == "#" && !pending.isEmpty ? "" : line
            end()
        }
        end()
        return found
    }

    private static func withoutComment(_ line: String) -> Substring {
        var before: Character = " "
        for index in line.indices {
            if line[index] == "#", before.isWhitespace { return line[..<index] }
            before = line[index]
        }
        return line[...]
    }
}
