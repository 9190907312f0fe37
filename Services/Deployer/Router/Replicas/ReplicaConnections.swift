import HTTP
import Loop

/// One loop's connections to one replica that speak one protocol. Confined to that loop.
final class ReplicaConnections {
    /// Streams that share a connection before another one is made.
    private static let streamsMax = 100

    private final class Held {
        let connection: HTTPClientConnection
        /// Whether it stands in `free`.
        var isFree = false

        init(_ connection: HTTPClientConnection) { self.connection = connection }
    }

    private let address: ResolvedAddress
    private let speaking: ClientProtocol
    private let capacity: Int
    private let loop: EventLoop
    private let limits: HTTPLimits
    private let statistics: HTTPStatistics
    private var held: [Held] = []
    /// Those with room, the one used last behind: it is the least likely to have been closed by the other side.
    private var free: [Held] = []
    private var connecting = 0
    private var waiting: [Attempt] = []
    private var isLeaving = false

    init(
        to address: ResolvedAddress, speaking: ClientProtocol, loop: EventLoop, limits: HTTPLimits,
        statistics: HTTPStatistics
    ) {
        self.address = address
        self.speaking = speaking
        capacity = speaking == .http2 ? ReplicaConnections.streamsMax : 1
        self.loop = loop
        self.limits = limits
        self.statistics = statistics
    }

    /// Starts an attempt on a connection that has room, or as soon as there is one. The attempt hears how it went.
    func start(_ attempt: Attempt) {
        if waiting.isEmpty, begin(attempt) { return }
        waiting.append(attempt)
        connectWhereNeeded()
    }

    /// Takes an attempt out that was given up before it began.
    func forget(_ attempt: Attempt) { waiting.removeAll { $0 === attempt } }

    func leave() {
        isLeaving = true
        for held in held { held.connection.drain() }
    }

    func close() {
        isLeaving = true
        for held in held { held.connection.close("the router stops") }
    }

    private func begin(_ attempt: Attempt) -> Bool {
        while let candidate = free.last {
            if hasRoom(candidate), attempt.begin(on: candidate.connection) {
                if !hasRoom(candidate) { takeOut() }
                return true
            }
            takeOut()
        }
        return false
    }

    private func takeOut() { free.removeLast().isFree = false }

    private func hasRoom(_ held: Held) -> Bool {
        held.connection.openCapacity > 0 && held.connection.activeStreams < capacity
    }

    private func connectWhereNeeded() {
        while connecting * capacity < waiting.count {
            connecting += 1
            HTTPClientConnection.connect(
                to: address, tls: nil, speaking: speaking, limits: limits, statistics: statistics, loop: loop
            ) { [self] result in connected(result) }
        }
    }

    private func connected(_ result: Result<HTTPClientConnection, any Error>) {
        connecting -= 1
        switch result {
        case .success(let connection):
            let new = Held(connection)
            held.append(new)
            connection.onChange = { [weak self, weak new] in
                guard let self, let new else { return }
                changed(new)
            }
            changed(new)
            if isLeaving { connection.drain() }
        case .failure(let error):
            // Each connection is made for so many; the others may still get theirs.
            let failed = Array(waiting.prefix(capacity))
            waiting.removeFirst(failed.count)
            for attempt in failed { attempt.couldNotConnect("\(error)") }
        }
    }

    private func changed(_ changed: Held) {
        if changed.connection.isSpent {
            held.removeAll { $0 === changed }
        } else if !changed.isFree, hasRoom(changed) {
            changed.isFree = true
            free.append(changed)
        }
        // Beginning one may change what waits: it is taken out before.
        while !waiting.isEmpty {
            let attempt = waiting.removeFirst()
            guard begin(attempt) else {
                waiting.insert(attempt, at: 0)
                break
            }
        }
        connectWhereNeeded()
    }
}
