import Blobs
import Glibc
import ImageBuilderCore
import OCI
import Protobuf

/// What `image-maker` is told.
struct MakerRecipe {
    struct Model {
        var (name, adapter, format, mainPath, folder) = ("", "", "", "", "")
        var version = 1
    }

    var (scorer, adapters, frameworks, certificates, store, output) = ("", "", "", "", "", "")
    var (base, layouts, source) = ("", "", "")
    var (dependencies, index, scratch) = ("", "", "")
    var basePython: String?
    var entry: String?
    var times = 1
    var models: [Model] = []
    var assets: [(folder: String, path: String)] = []
    var variables: [String: String] = [:]
    var steps: [ImageStep] = []

    init(file: String) throws {
        let bytes = try Self.read(file)
        try JSONReader.read(bytes[...]) { json in
            try json.members { key, json in
                switch key {
                case "scorer": scorer = try json.string()
                case "adapters": adapters = try json.string()
                case "frameworks": frameworks = try json.string()
                case "certificates": certificates = try json.string()
                case "store": store = try json.string()
                case "output": output = try json.string()
                case "base": base = try json.string()
                case "layouts": layouts = try json.string()
                case "source": source = try json.string()
                case "dependencies": dependencies = try json.string()
                case "index": index = try json.string()
                case "scratch": scratch = try json.string()
                case "base_python": basePython = try json.string()
                case "entry": entry = try json.string()
                case "times": times = try json.integer(Int.self)
                case "variables": try json.members { name, json in variables[name] = try json.string() }
                case "models": try json.elements { json in models.append(try Self.model(&json)) }
                case "assets": try json.elements { json in assets.append(try Self.asset(&json)) }
                case "steps": try json.elements { json in steps.append(try Self.step(&json)) }
                default: throw BuildFailure("recipe", "there is no \(key)")
                }
            }
        }
    }

    private static func model(_ json: inout JSONReader) throws -> Model {
        var model = Model()
        try json.members { key, json in
            switch key {
            case "name": model.name = try json.string()
            case "adapter": model.adapter = try json.string()
            case "format": model.format = try json.string()
            case "main_path": model.mainPath = try json.string()
            case "version": model.version = try json.integer(Int.self)
            default: model.folder = try json.string()
            }
        }
        return model
    }

    private static func asset(_ json: inout JSONReader) throws -> (folder: String, path: String) {
        var asset = (folder: "", path: "")
        try json.members { key, json in
            if key == "path" { asset.path = try json.string() } else { asset.folder = try json.string() }
        }
        return asset
    }

    /// `["COPY", "a", "/b"]`.
    private static func step(_ json: inout JSONReader) throws -> ImageStep {
        var words: [String] = []
        try json.elements { json in words.append(try json.string()) }
        switch (words.first, words.count) {
        case ("ENV", 3): return .variable(name: words[1], value: words[2])
        case ("LABEL", 3): return .label(name: words[1], value: words[2])
        case ("WORKDIR", 2): return .workingFolder(words[1])
        case ("USER", 2): return .user(words[1])
        case ("COPY", 3): return .copy(from: words[1], to: words[2])
        default: throw BuildFailure("recipe", "no step: \(words)")
        }
    }

    /// Brings the files into the store.
    func ingredients(_ store: any BlobStore, _ pins: inout [BlobPin]) async throws -> ImageIngredients {
        var taken: [ModelIngredient] = []
        for model in models {
            let files = try await Self.tree(model.folder, store, &pins)
            taken.append(
                ModelIngredient(
                    name: model.name, version: model.version, digest: "\(Self.digest(files))", format: model.format,
                    mainPath: model.mainPath, adapter: model.adapter, files: files))
        }
        var ingredients = ImageIngredients(models: taken, variables: variables, steps: steps, platform: .current)
        if !source.isEmpty {
            let files = try await Self.tree(source, store, &pins)
            ingredients.source = SourceTree(digest: Self.digest(files), files: files)
        }
        ingredients.entry = entry
        for asset in assets {
            let files = try await Self.tree(asset.folder, store, &pins)
            ingredients.assets.append(
                AssetIngredient(tree: SourceTree(digest: Self.digest(files), files: files), path: asset.path))
        }
        return ingredients
    }

    func text(_ path: String) throws -> String { String(decoding: try Self.read("\(source)/\(path)"), as: UTF8.self) }

    private static func digest(_ files: [TreeFile]) -> BlobDigest {
        let text = files.map { "\($0.path) \($0.digest) \($0.isExecutable)\n" }.joined()
        return (try? BlobHasher.digest(text.utf8)) ?? files[0].digest
    }

    private static func tree(_ folder: String, _ store: any BlobStore, _ pins: inout [BlobPin]) async throws
        -> [TreeFile]
    {
        var found: [TreeFile] = []
        for path in try list(folder, "").sorted() {
            let bytes = try read("\(folder)/\(path)")
            let pin = try await store.put(bytes)
            pins.append(pin)
            found.append(
                TreeFile(
                    path: path, digest: pin.info.digest, size: pin.info.size,
                    isExecutable: access("\(folder)/\(path)", X_OK) == 0 && path.hasSuffix(".sh")))
        }
        return found
    }

    private static func list(_ root: String, _ below: String) throws -> [String] {
        guard let open = opendir("\(root)/\(below)") else {
            throw BuildFailure("recipe", "\(root)/\(below) is no folder")
        }
        defer { closedir(open) }
        var found: [String] = []
        while let entry = readdir(open) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name == "." || name == ".." { continue }
            let path = below.isEmpty ? name : "\(below)/\(name)"
            if entry.pointee.d_type == 4 { found += try list(root, path) } else { found.append(path) }
        }
        return found
    }

    private static func read(_ path: String) throws -> [UInt8] {
        let file = open(path, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { throw BuildFailure("recipe", "\(path): \(String(cString: strerror(errno)))") }
        defer { close(file) }
        var (bytes, piece): ([UInt8], [UInt8]) = ([], [UInt8](repeating: 0, count: 1 << 20))
        while true {
            let count = Glibc.read(file, &piece, piece.count)
            guard count > 0 else { return bytes }
            bytes += piece[..<count]
        }
    }
}
