/// A place that runs replicas. Everything is asked for by the replica's id and may be asked twice: by a deployer that was
/// killed in between, or by two that both believe to have the work. A target keeps what it runs when the deployer is away.
public protocol ReplicaTarget: Sendable {
    /// Looks whether the place answers, and what it has.
    func check() async throws(TargetError) -> TargetFacts

    /// Brings what `start` needs of the image, where it is not there. May take minutes.
    func prepare(_ image: LocalImage, progress: @escaping @Sendable (PreparationProgress) -> Void)
        async throws(TargetError)

    /// Starts a replica, and returns once it exists, which is before it is ready. Where one of that id exists, nothing is
    /// done, whatever became of it: what has ended stays to be looked at until it is removed.
    func start(_ order: ReplicaOrder) async throws(TargetError)

    /// All replicas of this installation that the place knows, also those that nobody asked this deployer for.
    func observe() async throws(TargetError) -> [ObservedReplica]

    /// Asks a replica to end, and ends it by force after a while. Returns when it has ended; that there is none is no error.
    func stop(_ id: ReplicaID, grace: Duration) async throws(TargetError)

    /// Forgets a replica that has ended, with its log. That there is none is no error.
    func remove(_ id: ReplicaID) async throws(TargetError)

    /// Hands over the last lines of a replica's log in order, and with `follow` what comes, until the replica is removed or
    /// the task is cancelled.
    func log(
        of id: ReplicaID, lines: Int, follow: Bool, _ line: @escaping @Sendable (ReplicaLogLine) async throws -> Void
    ) async throws

    /// Removes what no replica needs of images other than these.
    func keepImages(_ digests: Set<String>) async throws(TargetError)

    /// Calls back, on any thread, whenever a replica may have ended, until the task is cancelled. Callers look again by
    /// themselves besides: a call that gets lost costs time alone.
    func watch(_ changed: @escaping @Sendable () -> Void) async
}

/// Names a replica: a lower-case UUID.
public typealias ReplicaID = String

/// What a place has.
public struct TargetFacts: Hashable, Sendable {
    /// `Docker 20.10.24, linux/amd64`.
    public var version: String
    public var total: ReplicaNeeds
    /// What it can't do: limits that are not enforced, a disk that is nearly full. Empty where there is nothing to say.
    public var remarks: [String]

    public init(version: String, total: ReplicaNeeds, remarks: [String] = []) {
        self.version = version
        self.total = total
        self.remarks = remarks
    }
}

/// How far an image has come.
public struct PreparationProgress: Hashable, Sendable {
    public var doneBytes: Int64
    public var totalBytes: Int64

    public init(doneBytes: Int64, totalBytes: Int64) {
        self.doneBytes = doneBytes
        self.totalBytes = totalBytes
    }
}

/// A line that a replica wrote.
public struct ReplicaLogLine: Hashable, Sendable {
    /// Nanoseconds since 1970.
    public var at: Int64
    public var text: String

    public init(at: Int64, text: String) {
        self.at = at
        self.text = text
    }
}
