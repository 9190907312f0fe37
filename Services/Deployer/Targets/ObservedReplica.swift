public import HTTP

/// A replica as its place sees it.
public struct ObservedReplica: Hashable, Sendable {
    public enum State: Hashable, Sendable {
        /// It is being made.
        case starting
        /// Its process runs. Whether it is ready, it says itself at `/readyz`.
        case running
        /// It ended.
        case ended(Ending)
    }

    /// How one ended.
    public struct Ending: Hashable, Sendable {
        /// Nil where a signal ended it, or where nobody knows.
        public var code: Int?
        public var signal: Int?
        public var ranOutOfMemory: Bool
        /// Nanoseconds since 1970.
        public var at: Int64?
        /// Its last lines, 4 KiB at most.
        public var lastWords: String

        public init(
            code: Int? = nil, signal: Int? = nil, ranOutOfMemory: Bool = false, at: Int64? = nil,
            lastWords: String = ""
        ) {
            self.code = code
            self.signal = signal
            self.ranOutOfMemory = ranOutOfMemory
            self.at = at
            self.lastWords = lastWords
        }
    }

    public var id: ReplicaID
    public var owner: ReplicaOwner
    public var state: State
    /// Where it takes requests; nil while it has no address.
    public var address: SocketAddress?
    /// Nanoseconds since 1970.
    public var startedAt: Int64?

    public init(
        id: ReplicaID, owner: ReplicaOwner, state: State, address: SocketAddress? = nil, startedAt: Int64? = nil
    ) {
        self.id = id
        self.owner = owner
        self.state = state
        self.address = address
        self.startedAt = startedAt
    }
}
