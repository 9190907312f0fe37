/// One model at one path: a file, a folder that is a model, or a folder with a folder for each version.
public struct PathSource: ModelSource {
    private let path: String
    private let name: String?
    private let base: ModelConfiguration

    public let interval: Duration?

    /// - Parameters:
    ///   - name: empty or nothing: the file's without its ending, or the folder's.
    ///   - base: what holds where the model's own configuration says nothing.
    ///   - interval: how often it is looked at again.
    public init(
        _ path: String, name: String? = nil, base: ModelConfiguration = ModelConfiguration(), interval: Duration? = nil
    ) {
        self.path = path
        self.name = name
        self.base = base
        self.interval = interval
    }

    public func scan() throws(ServingError) -> [DesiredVersion] {
        guard let kind = Files.kind(of: path) else {
            throw ServingError(.notFound, "\(path) does not exist")
        }
        let absolute = Files.absolute(path)
        let (folder, last) = Files.split(absolute)
        switch kind {
        case .file:
            return [ModelFolder.single(file: last, in: folder, name: name ?? Files.stem(last), base)]
        case .folder:
            return ModelFolder.versions(in: absolute, name: name ?? last, base)
        }
    }
}

/// A folder of models: `NAME/VERSION/…`, `NAME/…`, or a file `NAME.ending` with an ending that models have: others lie
/// there for people, and are passed over.
public struct FolderSource: ModelSource {
    /// Texts of LightGBM are not among them: too many files that are none end so.
    static let endings: Set<String> = [
        "onnx", "ort", "json", "ubj", "model", "bst", "xgb", "lgb", "pkl", "pickle", "joblib", "py",
    ]
    private let folder: String
    private let base: ModelConfiguration

    public let interval: Duration?

    public init(_ folder: String, base: ModelConfiguration = ModelConfiguration(), interval: Duration? = .seconds(2)) {
        self.folder = folder
        self.base = base
        self.interval = interval
    }

    public func scan() throws(ServingError) -> [DesiredVersion] {
        guard Files.kind(of: folder) == .folder else {
            throw ServingError(.notFound, "\(folder) is no folder of models")
        }
        let absolute = Files.absolute(folder)
        var found: [DesiredVersion] = []
        for entry in try Files.list(absolute) where !entry.hasPrefix(".") {
            let versions: [DesiredVersion]
            switch Files.kind(of: "\(absolute)/\(entry)") {
            case .folder: versions = ModelFolder.versions(in: "\(absolute)/\(entry)", name: entry, base)
            case .file where !ModelFolder.isConfiguration(entry) && FolderSource.endings.contains(Files.ending(entry)):
                versions = [ModelFolder.single(file: entry, in: absolute, name: Files.stem(entry), base)]
            default: continue
            }
            let isTaken = versions.first.map { version in found.contains { $0.name == version.name } } ?? false
            if !isTaken { found += versions }
        }
        return found
    }
}
