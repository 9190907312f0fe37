extension Recognition {
    /// What one file is and says. What is wrong with it is among the warnings.
    func examine(_ path: String) throws -> ModelDescription {
        let size = try files.size(of: path)
        var description = ModelDescription()
        if size > 0 {
            do {
                let headSize = min(size, 512)
                let head = try open(path, size: size, bytesMax: headSize).bytes(headSize)
                description = try examine(path, size, head)
                try scanByName(path, size, &description)
            } catch let error as FormatError {
                description.warnings.append(ModelWarning(error.warningCode, error.message, path: path))
            }
        }
        let promised = Self.promises[Self.suffix(path)]
        if description.format == .unknown, let promised {
            let message = size == 0 ? "the file is empty" : "the file is named like \(promised) and is not read as one"
            description.warnings.append(ModelWarning(.nameMismatch, message, path: path))
        }
        description.path = description.format == .unknown ? "" : path
        description.files = [ModelFile(path: path, format: description.format, size: size)]
        return description
    }

    private static let promises = [
        ".onnx": "ONNX", ".safetensors": "safetensors", ".gguf": "GGUF", ".pkl": "a pickle", ".pickle": "a pickle",
        ".joblib": "joblib", ".ubj": "XGBoost's UBJ", ".pt": "torch", ".pth": "torch", ".keras": "Keras",
    ]

    private func examine(_ path: String, _ size: Int, _ head: [UInt8]) throws -> ModelDescription {
        if ZipArchive.isPlausible(head) { return try describeArchive(path, size) }
        if head.starts(with: [0x89, 0x48, 0x44, 0x46, 0x0d, 0x0a, 0x1a, 0x0a]) { return .of(.hdf5) }
        if GGUFReader.isPlausible(head) { return try describeGGUF(path, size) }
        if SafetensorsReader.isPlausible(head, size: size) { return try describeSafetensors(path, size) }
        if LightGBMReader.isPlausible(head) { return try describeLightGBM(path, size) }
        if head.count > 1, head[0] == 0x80, head[1] <= 5 { return try describePickle(path, size) }
        if XGBoostReader.isBinary(head) { return .of(.xgboostBinary, framework: "xgboost") }
        if head.first(where: { ![0x20, 0x0a, 0x0d, 0x09].contains($0) }) == UInt8(ascii: "{") {
            if let found = try describeXGBoost(path, size, head) { return found }
        }
        if let found = try describeCompressed(path, size, head) { return found }
        if Self.suffix(path) == ".onnx" || ONNXReader.isPlausible(head) {
            if let found = try describeONNX(path, size) { return found }
        }
        if let found = try describeOldPickle(path, size, head) { return found }
        return ModelDescription()
    }

    /// Reads on as long as it goes: what was found before an error stays, with the error as a warning.
    private func reading(
        _ path: String, _ format: ModelFormat, framework: String = "", _ body: (inout ModelDescription) throws -> Void
    ) throws -> ModelDescription {
        var description = ModelDescription()
        do { try body(&description) } catch let error as FormatError {
            description.warnings.append(ModelWarning(error.warningCode, error.message, path: path))
        }
        description.format = format
        if description.framework.isEmpty { description.framework = framework }
        return description
    }

    // MARK: Formats

    private func describeONNX(_ path: String, _ size: Int) throws -> ModelDescription? {
        let reader = ONNXReader(open(path, size: size), limits: limits)
        var description = try reading(path, .onnx) { description in
            defer { description = reader.findings.description }
            try reader.read(size: size)
        }
        // Bytes that begin like a model and end in an error are not taken for one without its graph.
        guard reader.findings.hasGraph else { return nil }
        for reference in reader.findings.externalFiles {
            note(reference, from: path, "weights in", &description)
        }
        return description
    }

    /// Warns where a reference leaves the model or leads nowhere.
    func note(_ reference: String, from path: String, _ what: String, _ description: inout ModelDescription) {
        let shown = String(reference.prefix(200))
        guard let resolved = Self.resolve(reference, in: Self.folder(path)) else {
            description.warnings.append(
                ModelWarning(.outsideReference, "it refers to \(what) \"\(shown)\", outside the model", path: path))
            return
        }
        if !has(resolved), !paths.contains(where: { $0.hasPrefix(resolved + "/") }) {
            description.warnings.append(
                ModelWarning(.missingFile, "it refers to \(what) \"\(shown)\", which is not there", path: path))
        }
    }

    private func describeXGBoost(_ path: String, _ size: Int, _ head: [UInt8]) throws -> ModelDescription? {
        let body = head.drop { [0x20, 0x0a, 0x0d, 0x09].contains($0) }.dropFirst()
        let first = body.first { ![0x20, 0x0a, 0x0d, 0x09].contains($0) }
        let isJSON = first == UInt8(ascii: "\"")
        guard isJSON || "iUIlL$#".utf8.contains(first ?? 0) else { return nil }
        // Other JSON, however large, is not gone through for a key that would stand at its front.
        guard Self.contains(head, "learner") || Self.contains(head, "version") else { return nil }
        var reader = XGBoostReader(limits: limits)
        let description = try reading(path, isJSON ? .xgboostJSON : .xgboostUBJ, framework: "xgboost") { description in
            defer { description = reader.description }
            let cursor = open(path, size: size)
            try reader.read(isJSON ? JSONScanner(cursor, limits: limits) : UBJScanner(cursor, limits: limits))
        }
        return reader.isXGBoost ? description : nil
    }

    private static func contains(_ bytes: [UInt8], _ word: String) -> Bool {
        let word = Array(word.utf8)
        guard bytes.count >= word.count else { return false }
        return (0...bytes.count - word.count).contains { bytes[$0...].starts(with: word) }
    }

    private func describeLightGBM(_ path: String, _ size: Int) throws -> ModelDescription {
        try reading(path, .lightgbmText, framework: "lightgbm") { description in
            var reader = LightGBMReader(limits: limits)
            defer { description = reader.description }
            try reader.read(open(path, size: size))
        }
    }

    private func describeSafetensors(_ path: String, _ size: Int) throws -> ModelDescription {
        try reading(path, .safetensors) { description in
            var reader = SafetensorsReader(limits: limits)
            defer { description = reader.description }
            try reader.read(open(path, size: size, bytesMax: limits.headerBytesMax + 8), size: size)
        }
    }

    private func describeGGUF(_ path: String, _ size: Int) throws -> ModelDescription {
        try reading(path, .gguf) { description in
            var reader = GGUFReader(limits: limits)
            defer { description = reader.description }
            try reader.read(open(path, size: size))
        }
    }
}

extension ModelDescription {
    static func of(_ format: ModelFormat, framework: String = "") -> ModelDescription {
        var description = ModelDescription()
        description.format = format
        description.framework = framework
        return description
    }
}
