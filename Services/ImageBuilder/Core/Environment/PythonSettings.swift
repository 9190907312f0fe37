/// Where packages of Python come from, and what resolving them may cost. Nothing else decides: neither the environment of
/// the process nor the files that pip reads elsewhere.
public struct PythonSettings: Hashable, Sendable {
    /// What the settings are called in messages and in the configuration.
    public enum Name {
        public static let index = "python.index"
        public static let extraIndexes = "python.extra_indexes"
        public static let gpuIndexes = "python.gpu_indexes"
        public static let links = "python.links"
        public static let trustedHosts = "python.trusted_hosts"
        public static let proxy = "python.proxy"
    }

    /// The program that resolves packages, and the Python of images that stand on nothing.
    public var interpreter: String
    /// A folder of the builder's own, for what is under way and for what the index said before.
    public var folder: String
    /// Empty takes nothing but `links`.
    public var index: String
    public var extraIndexes: [String]
    /// Instead of the extra indexes where the image computes on a GPU.
    public var gpuIndexes: [String]
    /// Folders and pages with wheels.
    public var links: [String]
    /// Hosts that are taken without a certificate that anybody knows.
    public var trustedHosts: [String]
    public var proxy: String
    /// The certificates of authorities; empty for pip's own.
    public var certificates: String
    /// How long the index may be silent.
    public var silence: Duration
    /// How long resolving and fetching may take altogether.
    public var limit: Duration
    /// How much of what was fetched is kept for the next time.
    public var cacheBytes: Int64

    public init(
        interpreter: String = "/usr/bin/python3", folder: String, index: String = "https://pypi.org/simple",
        extraIndexes: [String] = [], gpuIndexes: [String] = [], links: [String] = [], trustedHosts: [String] = [],
        proxy: String = "", certificates: String = "", silence: Duration = .seconds(20),
        limit: Duration = .seconds(900), cacheBytes: Int64 = 4 << 30
    ) {
        self.interpreter = interpreter
        self.folder = folder
        self.index = index
        self.extraIndexes = extraIndexes
        self.gpuIndexes = gpuIndexes
        self.links = links
        self.trustedHosts = trustedHosts
        self.proxy = proxy
        self.certificates = certificates
        self.silence = silence
        self.limit = limit
        self.cacheBytes = cacheBytes
    }
}
