/// What a model's own file says of how it is to be served. Everything has a default; without a file these hold.
public struct ModelConfiguration: Sendable, Equatable {
    /// The adapter to load with; empty: the one that recognises the model with the most certainty.
    public var adapter = ""
    /// The file in the version's folder; empty: the adapter finds it.
    public var file = ""
    /// Options of the adapter for this model.
    public var options: [String: String] = [:]
    public var versions = VersionPolicy.latest(1)
    public var execution = ExecutionSettings()
    public var loadTimeout = Duration.seconds(300)
    public var warmup = WarmupSettings()

    public init() {}
}

/// How a version is run in before callers come.
public struct WarmupSettings: Sendable, Equatable {
    /// How often each sample is executed on each instance.
    public var runs = 3
    /// Whether inputs are made up where there is no sample.
    public var isGenerated = true

    public init() {}
}

/// Which of the versions that a source has are served.
public enum VersionPolicy: Sendable, Equatable {
    /// So many of the highest numbers.
    case latest(Int)
    case all
    case specific([Int64])

    /// - Parameter versions: in any order.
    public func choose(of versions: [Int64]) -> [Int64] {
        let rising = versions.sorted()
        switch self {
        case .latest(let count): return Array(rising.suffix(count))
        case .all: return rising
        case .specific(let wanted): return rising.filter(wanted.contains)
        }
    }
}
