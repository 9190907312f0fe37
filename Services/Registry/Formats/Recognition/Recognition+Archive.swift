extension Recognition {
    /// A zip archive: of torch, of Keras, or something else.
    func describeArchive(_ path: String, _ size: Int) throws -> ModelDescription {
        let archive = try ZipArchive(files, path, size: size, budget: budget(), limits: limits)
        var names: Set<String> = []
        var doubles: Set<String> = []
        for entry in archive.entries where !names.insert(entry.name).inserted { doubles.insert(entry.name) }
        var description = ModelDescription()
        if let entry = archive.entries.first(where: { Self.isTorchData($0.name) }) {
            let prefix = Self.folder(entry.name)
            let isScript =
                names.contains(prefix + "constants.pkl")
                && archive.entries.contains { $0.name.hasPrefix(prefix + "code/") }
            description = .of(isScript ? .torchScript : .torchStateDict, framework: "torch")
            try readFacts(archive, prefix, path, &description)
        } else if names.contains("config.json"), names.contains("metadata.json") {
            description = .of(.keras, framework: "keras")
            try readKeras(archive, path, &description)
        }
        // An archive that is nothing known may still be loaded by something that looks for pickles in it.
        try scanPickles(archive, path, &description)
        if !doubles.isEmpty {
            let message =
                "\(doubles.count) entries have a name that another has too, as \"\(doubles.sorted()[0].prefix(200))\""
            description.warnings.append(ModelWarning(.duplicateEntry, message, path: path))
        }
        if archive.isCut {
            description.warnings.append(
                ModelWarning(.limit, "the archive has more than \(limits.listCountMax) entries", path: path))
        }
        return description
    }

    private static func isTorchData(_ name: String) -> Bool {
        name == "data.pkl" || name.hasSuffix("/data.pkl") && depth(name) == 1
    }

    /// More than any library puts into one archive.
    private static let picklesMax = 64

    private func scanPickles(_ archive: ZipArchive, _ path: String, _ description: inout ModelDescription) throws {
        let pickles = archive.entries.filter { $0.name.hasSuffix(".pkl") }
        for entry in pickles.prefix(Self.picklesMax) {
            do {
                _ = try archive.open(entry)
                let pickle = try scan(path) { try archive.open(entry) }
                Self.merge(pickle, of: "\(path)!\(entry.name.prefix(1000))", into: &description)
            } catch let error as FormatError {
                description.warnings.append(ModelWarning(.scanIncomplete, error.message, path: path))
            }
        }
        if pickles.count > Self.picklesMax {
            description.warnings.append(
                ModelWarning(
                    .scanIncomplete, "\(pickles.count - Self.picklesMax) pickles in it are not looked at", path: path))
        }
    }

    private func readFacts(
        _ archive: ZipArchive, _ prefix: String, _ path: String, _ description: inout ModelDescription
    ) throws {
        for (name, key) in [("version", ""), ("byteorder", "byteorder")] {
            guard let entry = archive.entries.first(where: { $0.name == prefix + name }), entry.size <= 64 else {
                continue
            }
            do {
                let line = try archive.open(entry).line(keeping: 64)
                let text = String(decoding: line?.bytes ?? [], as: UTF8.self)
                if key.isEmpty { description.formatVersion = text } else { description.properties[key] = text }
            } catch let error as FormatError {
                description.warnings.append(ModelWarning(error.warningCode, error.message, path: path))
            }
        }
    }

    private func readKeras(_ archive: ZipArchive, _ path: String, _ description: inout ModelDescription) throws {
        guard let entry = archive.entries.first(where: { $0.name == "metadata.json" }) else { return }
        var version = ""
        do {
            let json = JSONScanner(try archive.open(entry), limits: limits)
            _ = try json.object { name in
                if name == "keras_version" { version = try json.text() } else { try json.skip() }
            }
        } catch let error as FormatError {
            description.warnings.append(ModelWarning(error.warningCode, error.message, path: path))
        }
        description.frameworkVersion = version
    }
}
