public import Blobs

/// Packages of Python, each at one version and from one file, so that the same can be had again.
public struct EnvironmentLock: Hashable, Sendable {
    /// Of everything that decides what the environment holds.
    public var key: String
    /// `3.11.2`; of the base image where `usesBase`.
    public var python: String
    /// Whether the base image brings the Python; else the image gets the builder's own.
    public var usesBase: Bool
    /// By name.
    public var packages: [LockedPackage]

    public init(key: String, python: String, usesBase: Bool, packages: [LockedPackage]) {
        self.key = key
        self.python = python
        self.usesBase = usesBase
        self.packages = packages
    }
}

/// A package at one version, its file in the store.
public struct LockedPackage: Hashable, Sendable {
    public var name: String
    public var version: String
    /// The wheel's name.
    public var file: String
    public var digest: BlobDigest
    public var size: Int64
    /// Whether the dependency file names it.
    public var isAskedFor: Bool

    public init(name: String, version: String, file: String, digest: BlobDigest, size: Int64, isAskedFor: Bool) {
        self.name = name
        self.version = version
        self.file = file
        self.digest = digest
        self.size = size
        self.isAskedFor = isAskedFor
    }
}

/// What somebody wants of Python, before anything is resolved.
public struct EnvironmentRequest: Hashable, Sendable {
    /// The dependency file: its name says which kind it is.
    public var fileName: String
    public var text: String
    /// What the adapters and the entry script need besides: `scikit-learn` for a pickle that says so.
    public var additions: [String]
    public var gpu: Bool
    /// The Python of the base image, where it has one: `3.11`.
    public var basePython: String?

    public init(
        fileName: String, text: String, additions: [String] = [], gpu: Bool = false, basePython: String? = nil
    ) {
        self.fileName = fileName
        self.text = text
        self.additions = additions
        self.gpu = gpu
        self.basePython = basePython
    }
}

/// Finds out which packages a dependency file means, and lays them out.
public protocol EnvironmentBuilding: Sendable {
    /// What can be said without asking the index: the file's form, packages that only conda has, a Python that is not there.
    /// - Throws: `BuildFailure`.
    func check(_ request: EnvironmentRequest) throws

    /// Decides for versions and brings their files into the store. The same request gives the same lock for as long as the
    /// memory of it is kept; `fresh` asks the index anew.
    /// - Throws: `BuildFailure` with the resolver's own words, shortened.
    func resolve(
        _ request: EnvironmentRequest, fresh: Bool, progress: @escaping @Sendable (BuildProgress) async -> Void
    ) async throws -> (lock: EnvironmentLock, pins: [BlobPin])

    /// The Python itself, below `folder` of the image: empty where the base brings it.
    func python(_ lock: EnvironmentLock, at folder: String) async throws -> EnvironmentContents

    /// The packages, installed below `folder` of the image.
    func packages(
        _ lock: EnvironmentLock, at folder: String, progress: @escaping @Sendable (BuildProgress) async -> Void
    ) async throws -> EnvironmentContents

    /// The variables that a process needs to find both. Asked when their layers are there already, so answered without
    /// laying anything out.
    func variables(_ lock: EnvironmentLock, pythonAt: String, packagesAt: String) async throws -> [String: String]
}
