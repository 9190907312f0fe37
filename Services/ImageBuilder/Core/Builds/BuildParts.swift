public import Blobs
public import OCI
public import Postgres

/// What builds are made with.
public struct BuildParts: Sendable {
    public var pool: PostgresPool
    public var store: any BlobStore
    public var registry: RegistryGateway
    public var reporter: UseReporter
    public var assembler: any ImageAssembling
    public var environments: any EnvironmentBuilding
    public var scripts: any EntryScriptChecking
    public var bases: any BaseBringing
    public var sources: SourceStore
    public var platform: Platform

    public init(
        pool: PostgresPool, store: any BlobStore, registry: RegistryGateway, reporter: UseReporter,
        assembler: any ImageAssembling, environments: any EnvironmentBuilding, scripts: any EntryScriptChecking,
        bases: any BaseBringing, sources: SourceStore, platform: Platform = .current
    ) {
        self.pool = pool
        self.store = store
        self.registry = registry
        self.reporter = reporter
        self.assembler = assembler
        self.environments = environments
        self.scripts = scripts
        self.bases = bases
        self.sources = sources
        self.platform = platform
    }
}
