import Glibc
import HTTP
import Loop

/// A channel to one service over the network, at one or many addresses that take turns.
///
/// Each loop of the group has connections of its own, made when the first call comes: a call from a loop's thread stays
/// there, others are dealt out. A name with several addresses is one place in the round: the first that answers is used.
/// The channel closes its connections when `close` is called, and at once when nobody holds it any more.
public final class NetworkChannel: RPCChannel {
    public let addresses: [SocketAddress]
    private let loops: LoopGroup
    private let core: ClientCore
    private let http = HTTPStatistics()
    private let shards: [ChannelShard]

    /// Connects nothing yet.
    /// - Parameter loops: must run while calls do.
    public init(
        _ addresses: [SocketAddress], loops: LoopGroup, configuration: ChannelConfiguration = ChannelConfiguration()
    ) {
        self.addresses = addresses
        self.loops = loops
        core = ClientCore(configuration)
        let resolver = NameResolver(pool: configuration.resolver)
        shards = loops.loops.map { [core, http] loop in
            ChannelShard(loop: loop, addresses: addresses, core: core, resolver: resolver, statistics: http)
        }
        signal(SIGPIPE, SIG_IGN)
    }

    public convenience init(
        _ address: SocketAddress, loops: LoopGroup, configuration: ChannelConfiguration = ChannelConfiguration()
    ) {
        self.init([address], loops: loops, configuration: configuration)
    }

    deinit {
        for shard in shards { shard.loop.execute { shard.close(grace: .zero, nil) } }
    }

    /// What the channel does now and ever did.
    public struct Statistics: Sendable, Equatable {
        public var callsInFlight: Int
        public var callsEver: Int
        /// Attempts beyond the first of their call.
        public var attemptsRepeated: Int
        public var openConnections: Int
        public var connectionsEver: Int
        public var openStreams: Int
    }

    public var statistics: Statistics {
        Statistics(
            callsInFlight: core.callsInFlight, callsEver: core.callsEver, attemptsRepeated: core.attemptsRepeated,
            openConnections: http.openConnections, connectionsEver: http.totalConnections,
            openStreams: http.openStreams)
    }

    public func withCall<Result>(
        _ request: ClientRequest, _ body: (ClientCall) async throws -> Result
    ) async throws -> Result {
        let interceptors = core.configuration.interceptors
        guard !interceptors.isEmpty else { return try await core.withCall(request, on: shard(), body) }
        let bare = BareChannel(core: core, transport: shard())
        return try await InterceptedChannel(channel: bare, interceptors: interceptors).withCall(request, body)
    }

    private func shard() -> ChannelShard {
        let loop = loops.next()
        // The group is never empty, and each of its loops has a shard in the same place.
        return shards.first { $0.loop === loop } ?? shards[0]
    }

    /// Takes no more calls, lets those under way finish for at most `grace`, then closes every connection.
    public func close(grace: Duration = .seconds(10)) async {
        await withTaskGroup(of: Void.self) { group in
            for shard in shards {
                group.addTask {
                    await withCheckedContinuation { continuation in
                        shard.loop.run { shard.close(grace: grace, continuation) }
                    }
                }
            }
        }
    }
}

/// A channel's calls on one transport, without its interceptors.
struct BareChannel: RPCChannel {
    let core: ClientCore
    let transport: any CallTransport

    func withCall<Result>(
        _ request: ClientRequest, _ body: (ClientCall) async throws -> Result
    ) async throws -> Result {
        try await core.withCall(request, on: transport, body)
    }
}
