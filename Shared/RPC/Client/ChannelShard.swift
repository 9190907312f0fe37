import HTTP
import Loop

/// One loop's part of a channel: its connections, and the calls that wait for one. Confined to that loop.
final class ChannelShard: CallTransport, @unchecked Sendable {
    let loop: EventLoop
    let core: ClientCore
    let resolver: NameResolver
    let statistics: HTTPStatistics
    private(set) var subchannels: [Subchannel] = []
    private var waiting = CallQueue()
    private var turn: Int
    private var isServing = false
    private var isClosed = false
    private var onClosed: [CheckedContinuation<Void, Never>] = []
    private var closeTimer: LoopTimer?

    init(
        loop: EventLoop, addresses: [SocketAddress], core: ClientCore, resolver: NameResolver,
        statistics: HTTPStatistics
    ) {
        self.loop = loop
        self.core = core
        self.resolver = resolver
        self.statistics = statistics
        let configuration = core.configuration
        var copies = 1
        if case .http2 = configuration.httpProtocol {} else { copies = max(1, configuration.connectionsPerAddress) }
        for copy in 0..<copies {
            for address in addresses {
                subchannels.append(Subchannel(address: address, configuration: configuration, isPrimary: copy == 0))
            }
        }
        // Many clients that start together should not all begin with the same server.
        turn = Int(configuration.chance() * Double(addresses.count))
    }

    var callsWaiting: Int { waiting.count }

    // MARK: CallTransport

    func submit(_ call: ClientCall) {
        guard !isClosed else { return call.fail(RPCError(.unavailable, "the channel is closed")) }
        if waiting.count == 0, begin(call) { return }
        guard waiting.count < core.configuration.waitingCalls else {
            return call.fail(
                RPCError(
                    .resourceExhausted,
                    "\(waiting.count) calls wait for a connection already (setting waitingCalls)"))
        }
        waiting.append(call)
        lookForConnections()
    }

    func withdraw(_ call: ClientCall) { waiting.remove(call) }

    // MARK: serving calls

    /// Gives the call to the next connection in the round that takes one.
    private func begin(_ call: ClientCall) -> Bool {
        for step in 0..<subchannels.count {
            let index = (turn + step) % subchannels.count
            guard subchannels[index].canTakeCall, call.begin(on: subchannels[index]) else { continue }
            turn = index + 1
            if subchannels.count > 1 { reconnectPrimaries() }
            return true
        }
        return false
    }

    /// Addresses that have no connection come back into the round.
    private func reconnectPrimaries() {
        for subchannel in subchannels where subchannel.isPrimary && subchannel.connectivity.state == .idle {
            handle(.wanted, subchannel)
        }
    }

    func serveCalls() {
        guard !isServing else { return }
        isServing = true
        defer { isServing = false }
        while let call = waiting.first, begin(call) {
            if waiting.first === call { waiting.removeFirst() }
        }
        if waiting.count > 0 { lookForConnections() }
    }

    /// Connects where that may help the calls that wait, and fails those that do not want to wait for a miracle.
    private func lookForConnections() {
        reconnectPrimaries()
        connectSpares()
        let isHopeful = subchannels.contains { $0.connectivity.state == .connecting || $0.connectivity.state == .ready }
        guard !isHopeful else { return }
        let reason = subchannels.compactMap(\.lastError).last ?? "there is no address"
        for call in waiting.removeAll(where: { !$0.form.waitForReady }) {
            call.fail(RPCError(.unavailable, "no server can be reached: \(reason)"))
        }
    }

    /// HTTP/1.1: a connection more for each call that waits and has none on the way.
    private func connectSpares() {
        var onTheWay = subchannels.count { $0.connectivity.state == .connecting }
        for subchannel in subchannels where !subchannel.isPrimary && subchannel.connectivity.state == .idle {
            guard onTheWay < waiting.count else { return }
            guard subchannels.contains(where: { $0.address == subchannel.address && $0.connectivity.state == .ready })
            else { continue }
            onTheWay += 1
            handle(.wanted, subchannel)
        }
    }

    // MARK: connections

    func handle(_ event: Connectivity.Event, _ subchannel: Subchannel) {
        let action = subchannel.connectivity.handle(
            event, now: loop.clock.now, chance: core.configuration.chance())
        switch action {
        case .nothing: break
        case .connect: connect(subchannel)
        case .serveCalls: serveCalls()
        case .pause(let duration): pause(subchannel, duration)
        case .stop:
            subchannel.timer?.cancel()
            subchannel.timer = nil
            subchannel.candidate?.close("no longer needed")
            subchannel.candidate = nil
            subchannel.connection?.drain()
        }
    }

    private func pause(_ subchannel: Subchannel, _ duration: Duration) {
        subchannel.timer = loop.schedule(after: duration) { [weak self, weak subchannel] in
            guard let self, let subchannel else { return }
            subchannel.timer = nil
            self.handle(.pauseEnded(isWanted: self.waiting.count > 0 && subchannel.isPrimary), subchannel)
        }
        if waiting.count > 0 { lookForConnections() }
    }

    private func connect(_ subchannel: Subchannel) {
        resolver.resolve(subchannel.address, on: loop) { [weak self] result in
            guard let self else { return }
            switch result {
            case .success(let addresses): self.connect(subchannel, addresses[...])
            case .failure(let error): self.connectFailed(subchannel, error)
            }
        }
    }

    /// A name may have several addresses: the first that answers is taken.
    private func connect(_ subchannel: Subchannel, _ candidates: ArraySlice<ResolvedAddress>) {
        guard subchannel.connectivity.state == .connecting, let candidate = candidates.first else { return }
        let configuration = core.configuration
        let attempt = HTTPClientConnection.connect(
            to: candidate, tls: configuration.tls, authority: configuration.authority,
            speaking: configuration.httpProtocol, limits: configuration.limits, statistics: statistics, loop: loop
        ) { [weak self] result in
            switch result {
            case .success(let connection):
                guard let self, subchannel.connectivity.state == .connecting else {
                    return connection.close("no longer needed")
                }
                self.connected(subchannel, connection)
            case .failure(let error):
                guard let self else { return }
                if candidates.count > 1 {
                    self.connect(subchannel, candidates.dropFirst())
                } else {
                    self.connectFailed(subchannel, error)
                }
            }
        }
        if let attempt, subchannel.connectivity.state == .connecting, !attempt.isClosed {
            subchannel.candidate = attempt
        }
    }

    private func connectFailed(_ subchannel: Subchannel, _ error: any Error) {
        subchannel.candidate = nil
        subchannel.lastError = "\(error)"
        handle(.failed, subchannel)
    }

    private func connected(_ subchannel: Subchannel, _ connection: HTTPClientConnection) {
        subchannel.connected(connection)
        connection.onChange = { [weak self, weak subchannel, weak connection] in
            guard let self, let subchannel, let connection else { return }
            self.changed(subchannel, connection)
        }
        handle(.connected, subchannel)
    }

    /// Heard at the end of every stream too: what happens rarely must cost nothing then.
    private func changed(_ subchannel: Subchannel, _ connection: HTTPClientConnection) {
        if connection.isSpent {
            if subchannel.connection === connection {
                // One that we gave up with its call says nothing of the server.
                let wasUseful = subchannel.connectionLost() || connection.wasAborted
                if !wasUseful {
                    let reason = connection.closeReason.map { " (\($0))" } ?? ""
                    subchannel.lastError = "\(subchannel.address): the connection ended before any answer\(reason)"
                }
                handle(.lost(wasUseful: wasUseful), subchannel)
            }
            checkClosed()
        }
        if waiting.count > 0 { serveCalls() }
    }

    // MARK: the end

    /// Takes no more calls, lets those under way finish for at most `grace`, then closes every connection.
    func close(grace: Duration, _ continuation: CheckedContinuation<Void, Never>?) {
        if let continuation { onClosed.append(continuation) }
        if !isClosed {
            isClosed = true
            for call in waiting.removeAll(where: { _ in true }) {
                call.fail(RPCError(.unavailable, "the channel is closed"))
            }
            for subchannel in subchannels { handle(.closed, subchannel) }
        }
        closeTimer?.cancel()
        closeTimer = nil
        if grace <= .zero {
            closeConnections()
        } else {
            closeTimer = loop.schedule(after: grace) { [self] in closeConnections() }
            checkClosed()
        }
    }

    private func closeConnections() {
        for subchannel in subchannels {
            for connection in subchannel.leaving + [subchannel.connection].compactMap({ $0 }) {
                connection.close("the channel is closed")
            }
        }
        checkClosed()
    }

    private func checkClosed() {
        var isEmpty = true
        for subchannel in subchannels where !subchannel.forgetClosed() { isEmpty = false }
        guard isClosed, isEmpty else { return }
        closeTimer?.cancel()
        closeTimer = nil
        let told = onClosed
        onClosed = []
        for continuation in told { continuation.resume() }
    }
}
