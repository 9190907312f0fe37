import HTTP
import Loop
import ServiceKit

/// One loop's part of the router. Confined to that loop.
final class RouterShard: @unchecked Sendable {
    let loop: EventLoop
    let settings: RouterSettings
    private let limits: HTTPLimits
    private let statistics: HTTPStatistics
    /// Set once, before anything happens.
    weak var router: Router?
    private(set) var table = RoutingTable.empty
    private var lines: [ObjectIdentifier: ReplicaLine] = [:]
    private var queues: [ObjectIdentifier: WaitingList] = [:]
    private var held: [Int64: WaitingList] = [:]
    private var chance: UInt64

    init(loop: EventLoop, settings: RouterSettings, limits: HTTPLimits, statistics: HTTPStatistics) {
        self.loop = loop
        self.settings = settings
        self.limits = limits
        self.statistics = statistics
        chance = UInt64.random(in: 1 ... .max)
    }

    var logger: Logger { router?.logger ?? .silent }
    func wallClock() -> Int64 { router?.wallClock() ?? 0 }

    func adopt(_ table: RoutingTable) {
        self.table = table
        for (id, line) in lines where !table.replicas.contains(id) {
            lines[id] = nil
            line.leave()
        }
        let waiting = queues.values.flatMap(\.all) + held.values.flatMap(\.all)
        queues = [:]
        held = [:]
        // Each waits somewhere anew, or is led on; in the order in which they came.
        for exchange in waiting.sorted(by: { $0.began < $1.began }) where !exchange.isOver { exchange.reconsider() }
    }

    func close() {
        for line in lines.values { line.close() }
        lines = [:]
    }

    func line(to replica: Replica) -> ReplicaLine {
        let id = ObjectIdentifier(replica.memory)
        if let line = lines[id] { return line }
        let line = ReplicaLine(replica, loop: loop, limits: limits, statistics: statistics)
        lines[id] = line
        return line
    }

    // MARK: Choosing a replica

    /// Takes a slot of the less busy one of two replicas that are drawn among those with a free one.
    /// - Parameter tried: not these, unless there are no others. Nor those that are left alone because they failed, unless all
    ///   are.
    /// - Returns: nil where all that could be asked are busy.
    func take(of revision: Revision, except tried: [ReplicaMemory]) -> Replica? {
        let now = loop.turnStart
        for sparing in tried.isEmpty ? [Sparing.failed, []] : [[.tried, .failed], .tried, .failed, []] {
            let (isAny, replica) = take(of: revision, sparing, tried, now)
            if isAny { return replica }
        }
        return nil
    }

    /// Whom not to ask.
    private struct Sparing: OptionSet {
        let rawValue: UInt8
        static let tried = Sparing(rawValue: 1)
        static let failed = Sparing(rawValue: 2)
    }

    /// - Returns: whether there is any that is not spared, and the one that was taken.
    private func take(
        of revision: Revision, _ sparing: Sparing, _ tried: [ReplicaMemory], _ now: LoopInstant
    ) -> (isAny: Bool, Replica?) {
        let limit = revision.concurrency
        var isAny = false
        var seen: UInt64 = 0
        var first: Replica?
        var second: Replica?
        for replica in revision.replicas {
            if sparing.contains(.failed), replica.memory.isEjected(now: now) { continue }
            if sparing.contains(.tried), tried.contains(where: { $0 === replica.memory }) { continue }
            isAny = true
            guard limit == 0 || replica.memory.inFlight < limit else { continue }
            seen += 1
            if seen == 1 {
                first = replica
            } else if seen == 2 {
                second = replica
            } else {
                // Each of those seen is one of the two with the same chance.
                switch draw() % seen {
                case 0: first = replica
                case 1: second = replica
                default: break
                }
            }
        }
        if let one = first, let two = second {
            let (left, right) = (one.memory.inFlight, two.memory.inFlight)
            if right < left || right == left && draw() & 1 == 0 { (first, second) = (two, one) }
        }
        if let first, first.memory.take(limit: limit) { return (true, first) }
        if let second, second.memory.take(limit: limit) { return (true, second) }
        return (isAny, nil)
    }

    private func draw() -> UInt64 {
        chance ^= chance << 13
        chance ^= chance >> 7
        chance ^= chance << 17
        return chance >> 8
    }

    func judge(_ replica: Replica, isGood: Bool) {
        if isGood {
            replica.memory.succeeded()
        } else {
            failed(replica, isGone: false, "it answers that it can't", nil)
        }
    }

    func failed(_ replica: Replica, isGone: Bool, _ reason: String, _ endpoint: Endpoint?) {
        guard
            let pause = replica.memory.failed(isGone: isGone, now: loop.clock.now, rules: settings.ejection)
        else { return }
        logger.warning(
            "a replica failed and is left alone",
            [
                "replica": .string(replica.id), "deployment": .string(endpoint?.name.description ?? ""),
                "reason": .string(reason), "pause": LogValue(pause),
            ])
    }

    // MARK: Waiting

    func isQueueing(_ memory: RevisionMemory) -> Bool { queues[ObjectIdentifier(memory)]?.first(.queued) != nil }

    func enqueue(_ exchange: Exchange, _ memory: RevisionMemory) {
        let id = ObjectIdentifier(memory)
        let list = queues[id] ?? WaitingList()
        queues[id] = list
        list.append(exchange)
        // A slot may have been freed since this loop looked, before anybody there could know that somebody waits here.
        pump(memory)
    }

    func hold(_ exchange: Exchange, _ endpoint: Endpoint) {
        let list = held[endpoint.deployment] ?? WaitingList()
        held[endpoint.deployment] = list
        let isFirst = list.first(.held) == nil
        list.append(exchange)
        if isFirst { router?.onDemand(endpoint.deployment) }
    }

    /// Leads those on that wait for slots, as far as there are any.
    func pump(_ memory: RevisionMemory) {
        let id = ObjectIdentifier(memory)
        while let exchange = queues[id]?.first(.queued) {
            guard let revision = exchange.revision, exchange.tryNow(revision) else { return }
        }
        queues[id] = nil
    }

    /// A slot of a revision's replica is free again.
    func slotFreed(of memory: RevisionMemory) {
        pump(memory)
        // Somebody still waits: it may be on another loop.
        if memory.waiting.load(ordering: .sequentiallyConsistent) > 0 { router?.nudge(memory, except: self) }
    }
}

/// Exchanges in the order in which they came, among them some that wait no more.
final class WaitingList {
    private var exchanges: [Exchange] = []
    private var start = 0

    var all: [Exchange] { exchanges[start...].filter { $0.wait != .none } }

    func append(_ exchange: Exchange) {
        // Those that gave up are thrown out when they may be the most.
        if exchanges.count - start > 32, exchanges.count.nonzeroBitCount == 1 {
            exchanges = all
            start = 0
        }
        exchanges.append(exchange)
    }

    /// The first one that still waits.
    func first(_ kind: Exchange.Wait) -> Exchange? {
        while start < exchanges.count, exchanges[start].wait != kind { start += 1 }
        if start > 32, start * 2 > exchanges.count {
            exchanges.removeFirst(start)
            start = 0
        }
        return start < exchanges.count ? exchanges[start] : nil
    }
}
