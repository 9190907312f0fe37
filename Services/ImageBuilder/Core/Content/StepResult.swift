internal import OCI
internal import Tar

/// What the steps of a recipe come to, taken in their order as the lines of a Dockerfile.
struct StepResult: Sendable {
    private(set) var layer = LayerPlan(.steps, "")
    private(set) var variables: [String: String] = [:]
    private(set) var labels: [String: String] = [:]
    private(set) var workingFolder = ""
    private(set) var user: String?
    /// Of the steps that changed the configuration alone.
    private(set) var words: [String] = []

    init() {}

    /// - Throws: `BuildFailure`, naming the step.
    init(_ ingredients: ImageIngredients, on base: ImageConfiguration?, over folders: PlacedFolders) throws {
        layer = LayerPlan(.steps, "", folders: folders.entries)
        workingFolder = base?.workingFolder ?? ""
        variables = ingredients.variables
        for name in ingredients.variables.keys { try Self.check(variable: name) }
        var copies: [String] = []
        for step in ingredients.steps {
            switch step {
            case .variable(let name, let value):
                try Self.check(variable: name)
                variables[name] = value
                words.append("ENV \(name)")
            case .label(let name, let value):
                guard !name.isEmpty else { throw BuildFailure("label.name", "a label without a name") }
                labels[name] = value
                words.append("LABEL \(name)")
            case .workingFolder(let path):
                workingFolder = try folders.settled(
                    ImagePath.destination(path, of: "workdir", from: workingFolder.isEmpty ? "/" : workingFolder))
                layer.add(workingFolder, .folder, keeping: folders)
                words.append("WORKDIR \(workingFolder)")
            case .user(let name):
                guard !name.isEmpty, !name.contains(where: \.isWhitespace) else {
                    throw BuildFailure(
                        "user.name", "`\(name)` is no user: a name or a number, with a group after a colon")
                }
                user = name
                words.append("USER \(name)")
            case .copy(let from, let to):
                try copy(from, to, ingredients.source, folders)
                copies.append("\(from) to \(to)")
            }
        }
        layer.description = copies.isEmpty ? "working folder" : "copies: \(copies.joined(separator: ", "))"
    }

    private static func check(variable name: String) throws(BuildFailure) {
        guard !name.isEmpty, !name.contains("="), !name.utf8.contains(0) else {
            throw BuildFailure("variable.name", "`\(name)` can't be the name of a variable")
        }
    }

    /// As Docker does: a folder's contents go into the destination; a file becomes it, or goes into it where it is a folder
    /// or ends with a slash.
    private mutating func copy(
        _ from: String, _ to: String, _ source: SourceTree?, _ folders: PlacedFolders
    ) throws {
        guard let source else { throw BuildFailure("copy.source", "there is no source tree to copy `\(from)` from") }
        var parts: [Substring] = []
        for part in from.split(separator: "/") where part != "." {
            guard part != ".." else { throw BuildFailure("copy.source", "`\(from)` leads out of the source tree") }
            parts.append(part)
        }
        let path = parts.joined(separator: "/")
        let target = try folders.settled(
            ImagePath.destination(to, of: "copy", from: workingFolder.isEmpty ? "/" : workingFolder))
        if let file = source.files.first(where: { $0.path == path }) {
            let isInto = to.hasSuffix("/") || to.hasSuffix("/.") || to == "." || isFolder(target, folders)
            var copy = file
            copy.path = MachineParts.name(file.path)
            if isInto {
                try layer.add(copy, below: target == "/" ? "" : target, of: "copy")
            } else {
                let name = MachineParts.name(target)
                copy.path = name
                try layer.add(copy, below: String(target.dropLast(name.utf8.count + 1)), of: "copy")
            }
            return
        }
        let prefix = path.isEmpty ? "" : path + "/"
        let below = source.files.filter { $0.path.hasPrefix(prefix) }
        guard !below.isEmpty else {
            throw BuildFailure("copy.source", "the source tree has neither a file nor a folder `\(from)`")
        }
        layer.add(target, .folder, keeping: folders)
        for file in below {
            var copy = file
            copy.path = String(file.path.dropFirst(prefix.count))
            let place = try folders.settled("\(target)/\(copy.path)")
            copy.path = MachineParts.name(place)
            try layer.add(copy, below: String(place.dropLast(copy.path.count + 1)), of: "copy")
        }
    }

    private func isFolder(_ path: String, _ folders: PlacedFolders) -> Bool {
        if folders.isFolder(path) { return true }
        let member = ImageLayout.member(path)
        if case .folder = layer.items[member]?.origin { return true }
        return layer.items.keys.contains { $0.hasPrefix(member + "/") }
    }
}
