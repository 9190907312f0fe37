public import Blobs
public import OCI

/// Everything that decides an image's bytes, with every name resolved and every byte in the store. Nothing else does: no
/// clock, no user, no order of arrival, so that the same ingredients give the same digest on any machine.
public struct ImageIngredients: Sendable {
    public var models: [ModelIngredient]
    /// The source tree, where there is one.
    public var source: SourceTree?
    /// The entry script, by its path in the source tree.
    public var entry: String?
    /// The Python and its packages; nil where the image needs none.
    public var environment: EnvironmentLock?
    public var assets: [AssetIngredient]
    public var variables: [String: String]
    public var base: BaseIngredient?
    public var steps: [ImageStep]
    public var gpu: Bool
    public var platform: Platform

    public init(
        models: [ModelIngredient], source: SourceTree? = nil, entry: String? = nil,
        environment: EnvironmentLock? = nil, assets: [AssetIngredient] = [], variables: [String: String] = [:],
        base: BaseIngredient? = nil, steps: [ImageStep] = [], gpu: Bool = false, platform: Platform
    ) {
        self.models = models
        self.source = source
        self.entry = entry
        self.environment = environment
        self.assets = assets
        self.variables = variables
        self.base = base
        self.steps = steps
        self.gpu = gpu
        self.platform = platform
    }
}

/// A version of a model, its files in the store.
public struct ModelIngredient: Hashable, Sendable {
    public var name: String
    public var version: Int
    /// Of all its files, as the registry has it.
    public var digest: String
    public var format: String
    /// The file, or the folder, that its loader is to be given; empty where it is the whole.
    public var mainPath: String
    /// The adapter that loads it: `onnxruntime`, `xgboost`, `lightgbm`, `python`.
    public var adapter: String
    /// The run that produced it, and the commit that it was trained from; for annotations.
    public var run: String
    public var commit: String
    public var files: [TreeFile]

    public init(
        name: String, version: Int, digest: String, format: String, mainPath: String, adapter: String,
        run: String = "", commit: String = "", files: [TreeFile]
    ) {
        self.name = name
        self.version = version
        self.digest = digest
        self.format = format
        self.mainPath = mainPath
        self.adapter = adapter
        self.run = run
        self.commit = commit
        self.files = files
    }
}

/// A file by its path in a tree, its bytes in the store.
public struct TreeFile: Hashable, Sendable {
    public var path: String
    public var digest: BlobDigest
    public var size: Int64
    public var isExecutable: Bool

    public init(path: String, digest: BlobDigest, size: Int64, isExecutable: Bool = false) {
        self.path = path
        self.digest = digest
        self.size = size
        self.isExecutable = isExecutable
    }
}

/// Files that somebody brought for a build. Links are not among them: they were followed within the tree, or refused.
public struct SourceTree: Hashable, Sendable {
    /// Of the paths, permissions and contents.
    public var digest: BlobDigest
    /// By path.
    public var files: [TreeFile]

    public init(digest: BlobDigest, files: [TreeFile]) {
        self.digest = digest
        self.files = files
    }
}

public struct AssetIngredient: Hashable, Sendable {
    public var tree: SourceTree
    /// The folder of the image that gets what is in it; absolute.
    public var path: String

    public init(tree: SourceTree, path: String) {
        self.tree = tree
        self.path = path
    }
}

/// What an image stands on, its manifest, configuration and layers in the store.
public struct BaseIngredient: Hashable, Sendable {
    /// As it was asked for.
    public var reference: String
    public var manifest: Descriptor

    public init(reference: String, manifest: Descriptor) {
        self.reference = reference
        self.manifest = manifest
    }
}

/// What is done after everything else is in place.
public enum ImageStep: Hashable, Sendable {
    case variable(name: String, value: String)
    case label(name: String, value: String)
    case workingFolder(String)
    case user(String)
    /// Out of the source tree.
    case copy(from: String, to: String)
}
