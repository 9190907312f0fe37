public import Blobs
public import OCI

/// A replica that is to be: everything that decides how it runs.
public struct ReplicaOrder: Sendable {
    public var id: ReplicaID
    public var owner: ReplicaOwner
    public var image: LocalImage
    /// On top of the image's own.
    public var variables: [String: String]
    public var needs: ReplicaNeeds
    /// Requests that it takes at once.
    public var concurrency: Int
    /// What callers have to show it: the router has it, and nobody else.
    public var accessKey: String
    /// Larger than that of every earlier order for the same deployment. A place refuses an order with a smaller one than it
    /// has seen.
    public var fence: Int64

    public init(
        id: ReplicaID, owner: ReplicaOwner, image: LocalImage, variables: [String: String] = [:],
        needs: ReplicaNeeds = .init(), concurrency: Int = 1, accessKey: String, fence: Int64 = 0
    ) {
        self.id = id
        self.owner = owner
        self.image = image
        self.variables = variables
        self.needs = needs
        self.concurrency = concurrency
        self.accessKey = accessKey
        self.fence = fence
    }
}

/// Whose a replica is. Places keep it beside the replica, so that a deployer that knows nothing of it finds out.
public struct ReplicaOwner: Hashable, Sendable {
    /// The installation: a place may serve several.
    public var suite: String
    public var workspace: String
    public var deployment: String
    /// The deployment's number: names can be given again.
    public var deploymentID: Int64
    public var revision: Int

    public init(suite: String, workspace: String, deployment: String, deploymentID: Int64, revision: Int) {
        self.suite = suite
        self.workspace = workspace
        self.deployment = deployment
        self.deploymentID = deploymentID
        self.revision = revision
    }
}

/// What replicas take of a place, or what a place has. Zero is no limit.
public struct ReplicaNeeds: Hashable, Sendable {
    /// Cores, in thousandths.
    public var cpuMillis: Int64
    public var memoryBytes: Int64
    public var gpus: Int

    public init(cpuMillis: Int64 = 0, memoryBytes: Int64 = 0, gpus: Int = 0) {
        self.cpuMillis = cpuMillis
        self.memoryBytes = memoryBytes
        self.gpus = gpus
    }
}

/// An image whose bytes are in a store here.
public struct LocalImage: Sendable {
    /// `default/churn-svc:2`.
    public var name: String
    /// Of its manifest: `sha256:…`.
    public var digest: String
    public var manifest: Manifest
    public var configuration: ImageConfiguration
    public var store: any BlobStore

    public init(
        name: String, digest: String, manifest: Manifest, configuration: ImageConfiguration, store: any BlobStore
    ) {
        self.name = name
        self.digest = digest
        self.manifest = manifest
        self.configuration = configuration
        self.store = store
    }
}
