import Synchronization

/// What is open now and what was ever opened, for leak checks and gauges. Shared by a server's or a client's loops.
public final class HTTPStatistics: Sendable {
    private let connections = Atomic<Int>(0)
    private let streams = Atomic<Int>(0)
    private let connectionsEver = Atomic<Int>(0)
    private let streamsEver = Atomic<Int>(0)

    public init() {}

    public var openConnections: Int { connections.load(ordering: .relaxed) }
    public var openStreams: Int { streams.load(ordering: .relaxed) }
    public var totalConnections: Int { connectionsEver.load(ordering: .relaxed) }
    public var totalStreams: Int { streamsEver.load(ordering: .relaxed) }

    func connectionOpened() {
        connections.add(1, ordering: .relaxed)
        connectionsEver.add(1, ordering: .relaxed)
    }
    func connectionClosed() { connections.subtract(1, ordering: .relaxed) }
    func streamOpened() {
        streams.add(1, ordering: .relaxed)
        streamsEver.add(1, ordering: .relaxed)
    }
    func streamClosed() { streams.subtract(1, ordering: .relaxed) }
}
