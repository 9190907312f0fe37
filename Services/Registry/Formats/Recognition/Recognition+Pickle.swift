extension Recognition {
    func describePickle(_ path: String, _ size: Int) throws -> ModelDescription {
        try describePickle(path) { self.open(path, size: size) }
    }

    private func describePickle(_ path: String, _ open: @escaping () throws -> ByteCursor) throws -> ModelDescription {
        let pickle = try scan(path, open)
        var description = ModelDescription()
        Self.merge(pickle, of: path, into: &description)
        let findings = pickle.findings
        let isJoblib = findings.hasJoblibArrays || Self.suffix(path) == ".joblib"
        description.format = findings.isTorchLegacy ? .torchLegacy : isJoblib ? .joblib : .pickle
        if findings.isTorchLegacy { description.framework = "torch" }
        return description
    }

    func scan(_ path: String, _ open: @escaping () throws -> ByteCursor) throws -> PickleFile {
        var pickle = PickleFile(limits: limits, open: open)
        try pickle.scan()
        return pickle
    }

    /// Adds what a pickle says to what is known of the file that it is in.
    static func merge(_ pickle: PickleFile, of path: String, into description: inout ModelDescription) {
        let findings = pickle.findings
        description.warnings += pickle.warnings.map { ModelWarning($0.code, $0.message, path: path) }
        description.mergeImports(findings.imports)
        if !findings.estimator.isEmpty, description.estimator.isEmpty {
            description.estimator = findings.estimator
            description.framework = String(findings.estimator.prefix { $0 != "." })
        }
        if !findings.sklearnVersion.isEmpty {
            if description.framework.isEmpty || description.framework == "sklearn" {
                description.framework = "sklearn"
                description.frameworkVersion = findings.sklearnVersion
            } else {
                description.properties["sklearn_version"] = findings.sklearnVersion
            }
        }
        if description.featureCount == nil { description.featureCount = findings.featureCount }
        if description.features.isEmpty { description.features = findings.featureNames.map { ModelFeature($0) } }
        if description.weights.tensorCount == 0 { description.weights = findings.weights }
    }

    /// A pickle of the first protocols, which no mark begins: by its name, or because it can be followed to its end.
    func describeOldPickle(_ path: String, _ size: Int, _ head: [UInt8]) throws -> ModelDescription? {
        let isNamed = isPickleName(path)
        guard isNamed || "(c]}".utf8.contains(head.first ?? 0) else { return nil }
        let pickle = try scan(path) { self.open(path, size: size) }
        // What is imported before an error is imported all the same.
        let isImporting = !pickle.findings.imports.isEmpty || pickle.findings.unresolvedCount > 0
        guard pickle.count > 0 ? isImporting || isNamed : isImporting && isNamed else { return nil }
        return try describePickle(path, size)
    }

    /// A file may begin like another format and still be a pickle for whoever goes by its name.
    func scanByName(_ path: String, _ size: Int, _ description: inout ModelDescription) throws {
        guard ![.pickle, .joblib, .torchLegacy, .unknown].contains(description.format), isPickleName(path) else {
            return
        }
        let pickle = try scan(path) { self.open(path, size: size) }
        if pickle.findings.hasDanger { Self.merge(pickle, of: path, into: &description) }
    }

    private func isPickleName(_ path: String) -> Bool {
        [".pkl", ".pickle", ".p", ".joblib"].contains(Self.suffix(path))
    }

    /// A pickle in one of the wrappings of joblib. Those of zlib and gzip are unfolded.
    func describeCompressed(_ path: String, _ size: Int, _ head: [UInt8]) throws -> ModelDescription? {
        let isNamed = [".pkl", ".pickle", ".p", ".joblib", ".jl"].contains { path.lowercased().contains($0) }
        if head.starts(with: [0x1f, 0x8b])
            || head.count > 1 && head[0] == 0x78 && (Int(head[0]) << 8 | Int(head[1])) % 31 == 0
        {
            let unfolded = {
                let source = FileSource(self.files, path, 0..<size, budget: self.budget())
                return ByteCursor(InflateSource(source, .zlibOrGzip, budget: ByteBudget(self.limits.fileBytesMax)))
            }
            var first: [UInt8] = []
            do { first = try unfolded().bytes(2) } catch is FormatError {}
            guard isNamed || first.first == 0x80 && first.last ?? 6 <= 5 else { return nil }
            return try describePickle(path, unfolded)
        }
        let wrappings: [(name: String, mark: [UInt8])] = [
            ("bzip2", Array("BZh".utf8)), ("xz", [0xfd, 0x37, 0x7a, 0x58, 0x5a]), ("lzma", [0x5d, 0, 0]),
            ("lz4", [0x04, 0x22, 0x4d, 0x18]), ("joblib's old form", Array("ZF0x".utf8)),
            ("zstd", [0x28, 0xb5, 0x2f, 0xfd]),
        ]
        guard isNamed, let wrapping = wrappings.first(where: { head.starts(with: $0.mark) }) else { return nil }
        var description = ModelDescription.of(Self.suffix(path) == ".joblib" ? .joblib : .pickle)
        description.warnings.append(
            ModelWarning(
                .scanIncomplete, "the file is folded by \(wrapping.name), so that none of its imports are known",
                path: path))
        return description
    }
}

extension ModelDescription {
    /// Adds imports that are not yet listed.
    mutating func mergeImports(_ others: [PickleImport]) {
        guard !others.isEmpty else { return }
        var places: [String: Int] = [:]
        for (place, known) in imports.enumerated() { places["\(known.module)\n\(known.name)"] = place }
        for other in others {
            let key = "\(other.module)\n\(other.name)"
            if let place = places[key] {
                imports[place].isCalled = imports[place].isCalled || other.isCalled
            } else {
                places[key] = imports.count
                imports.append(other)
            }
        }
    }
}
