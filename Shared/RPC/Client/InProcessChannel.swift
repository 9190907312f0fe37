import HTTP
import Loop

/// A channel to a server in the same process: no sockets and no protocol bytes, and everything else as over a wire. For
/// tests, and for services that live together.
public final class InProcessChannel: RPCChannel {
    private let loops: LoopGroup
    private let core: ClientCore
    private let transports: [InProcessTransport]

    /// - Parameters:
    ///   - handler: usually an `RPCServer`. Its handlers run on the caller's loop.
    ///   - loops: must run while calls do.
    public init(
        _ handler: any HTTPServerHandler, loops: LoopGroup,
        configuration: ChannelConfiguration = ChannelConfiguration()
    ) {
        self.loops = loops
        core = ClientCore(configuration)
        transports = loops.loops.map { [core] in InProcessTransport(loop: $0, core: core, handler: handler) }
    }

    public var callsInFlight: Int { core.callsInFlight }

    public func withCall<Result>(
        _ request: ClientRequest, _ body: (ClientCall) async throws -> Result
    ) async throws -> Result {
        let loop = loops.next()
        // The group is never empty, and each of its loops has a transport.
        let bare = BareChannel(core: core, transport: transports.first { $0.loop === loop } ?? transports[0])
        let interceptors = core.configuration.interceptors
        guard !interceptors.isEmpty else { return try await bare.withCall(request, body) }
        return try await InterceptedChannel(channel: bare, interceptors: interceptors).withCall(request, body)
    }

    /// Ends what is under way with `unavailable`, and takes no more calls.
    public func close() async {
        for transport in transports {
            await withCheckedContinuation { continuation in
                transport.loop.run {
                    transport.close()
                    continuation.resume()
                }
            }
        }
    }
}

/// One loop's part of a channel in process. Confined to that loop.
final class InProcessTransport: CallTransport, CallRoute, @unchecked Sendable {
    let loop: EventLoop
    let scheme = "http"
    let authority: String
    private let core: ClientCore
    private let connection: InProcessConnection
    private var waiting = CallQueue()
    private var isServing = false

    init(loop: EventLoop, core: ClientCore, handler: any HTTPServerHandler) {
        self.loop = loop
        self.core = core
        authority = core.configuration.authority ?? "in-process"
        connection = InProcessConnection(handler: handler, loop: loop, limits: core.configuration.limits)
        connection.onChange = { [weak self] in self?.serveCalls() }
    }

    func submit(_ call: ClientCall) {
        guard connection.isOpen else { return call.fail(RPCError(.unavailable, "the channel is closed")) }
        if waiting.count == 0, call.begin(on: self) { return }
        guard waiting.count < core.configuration.waitingCalls else {
            return call.fail(
                RPCError(.resourceExhausted, "\(waiting.count) calls wait already (setting waitingCalls)"))
        }
        waiting.append(call)
    }

    func withdraw(_ call: ClientCall) { waiting.remove(call) }

    private func serveCalls() {
        guard !isServing else { return }
        isServing = true
        defer { isServing = false }
        while let call = waiting.first, call.begin(on: self) {
            if waiting.first === call { waiting.removeFirst() }
        }
    }

    func close() {
        for call in waiting.removeAll(where: { _ in true }) {
            call.fail(RPCError(.unavailable, "the channel is closed"))
        }
        connection.close("the channel is closed")
    }

    func open(_ request: RequestHead, receiver: any HTTPStreamReceiver, end: Bool) -> HTTPStream? {
        connection.open(request, receiver: receiver, end: end)
    }

    func heard() {}
}
