public import Blobs

/// How a container of an image is started, and which layers it consists of.
public struct ImageConfiguration: Hashable, Sendable {
    public var platform: Platform
    public var user: String
    public var environment: [String]
    public var entryPoint: [String]
    public var command: [String]
    public var workingFolder: String
    public var labels: [String: String]
    /// `8080/tcp`.
    public var exposedPorts: Set<String>
    public var stopSignal: String
    public var healthCheck: HealthCheck?
    /// Digests of the layers' tar archives before compression, lowest first.
    public var layerContents: [BlobDigest]
    public var history: [Step]

    /// Docker's; the specification has none, and its readers pass it over.
    public struct HealthCheck: Hashable, Sendable {
        public var test: [String]
        public var intervalNanoseconds: Int64
        public var timeoutNanoseconds: Int64
        public var startNanoseconds: Int64
        public var retries: Int64

        public init(
            test: [String], intervalNanoseconds: Int64, timeoutNanoseconds: Int64, startNanoseconds: Int64,
            retries: Int64
        ) {
            self.test = test
            self.intervalNanoseconds = intervalNanoseconds
            self.timeoutNanoseconds = timeoutNanoseconds
            self.startNanoseconds = startNanoseconds
            self.retries = retries
        }
    }

    /// What made a layer, or changed nothing but the configuration.
    public struct Step: Hashable, Sendable {
        public var createdBy: String
        public var isEmptyLayer: Bool

        public init(createdBy: String, isEmptyLayer: Bool = false) {
            self.createdBy = createdBy
            self.isEmptyLayer = isEmptyLayer
        }
    }

    public init(
        platform: Platform, user: String = "", environment: [String] = [], entryPoint: [String] = [],
        command: [String] = [], workingFolder: String = "", labels: [String: String] = [:],
        exposedPorts: Set<String> = [], stopSignal: String = "", healthCheck: HealthCheck? = nil,
        layerContents: [BlobDigest] = [], history: [Step] = []
    ) {
        self.platform = platform
        self.user = user
        self.environment = environment
        self.entryPoint = entryPoint
        self.command = command
        self.workingFolder = workingFolder
        self.labels = labels
        self.exposedPorts = exposedPorts
        self.stopSignal = stopSignal
        self.healthCheck = healthCheck
        self.layerContents = layerContents
        self.history = history
    }
}
