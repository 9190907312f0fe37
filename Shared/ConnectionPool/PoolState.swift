import Loop

/// The rules of a pool on one loop: events in, actions out, no time and no connection of its own.
struct PoolState {
    /// Where a connection is, and where it goes from there.
    enum ConnectionState: Equatable {
        /// → idle or leased when made, gone when it fails.
        case connecting
        /// → leased, checking or gone.
        case idle(since: LoopInstant)
        /// → leased when it answers, gone when not.
        case checking
        /// → idle, leased by the next, or gone.
        case leased
    }
    struct Member: Equatable {
        var state: ConnectionState
        var expiry: LoopInstant
    }
    struct Waiter: Equatable {
        var id: Int
        var deadline: LoopInstant
    }
    enum Refusal: Equatable { case tooMany, timedOut, cannotConnect, closed }
    enum Action: Equatable {
        case connect(Int)
        case lease(Int, to: Int)
        case check(Int)
        case close(Int)
        case refuse(Int, Refusal)
    }

    let limits: PoolLimits
    private(set) var members: [Int: Member] = [:]
    private(set) var waiters: [Waiter] = []
    /// The most recently used last: the others may then fall idle.
    private var idle: [Int] = []
    private var nextID = 0
    private var connecting = 0
    private var checking = 0
    private(set) var failures = 0
    private(set) var retryAt: LoopInstant?
    private(set) var isClosed = false
    private var keepsMinimum = false
    private var random: UInt64

    init(limits: PoolLimits, seed: UInt64) {
        self.limits = limits
        random = seed
    }

    /// The next moment at which `tick` has something to do.
    var nextDeadline: LoopInstant? {
        var next = urgentDeadline
        func consider(_ other: LoopInstant?) {
            if let other { next = min(next ?? other, other) }
        }
        for id in idle {
            guard let member = members[id], case .idle(let since) = member.state else { continue }
            consider(member.expiry)
            if members.count > minimum { consider(since.advanced(by: limits.idleTimeout)) }
        }
        return next
    }

    /// The part of it that some caller waits for.
    var urgentDeadline: LoopInstant? {
        guard let waiter = waiters.first?.deadline else { return retryAt }
        return min(waiter, retryAt ?? waiter)
    }

    private var minimum: Int { keepsMinimum ? limits.connectionsMin : 0 }

    mutating func acquire(_ waiter: Int, now: LoopInstant, deadline: LoopInstant) -> [Action] {
        if isClosed { return [.refuse(waiter, .closed)] }
        if waiters.isEmpty, let action = lendIdle(to: waiter, now: now) { return [action] }
        guard waiters.count < limits.waitersMax else { return [.refuse(waiter, .tooMany)] }
        // Mostly the last: deadlines mostly grow.
        let place = waiters.lastIndex { $0.deadline <= deadline }.map { $0 + 1 } ?? 0
        waiters.insert(Waiter(id: waiter, deadline: deadline), at: place)
        return serve(now)
    }

    /// The short way for the usual case: a connection that is idle, fresh, and nobody else's turn.
    mutating func lendNow(_ now: LoopInstant) -> Int? {
        guard !isClosed, waiters.isEmpty, case .lease(let id, _)? = lendIdle(to: 0, now: now) else { return nil }
        return id
    }

    mutating func cancel(_ waiter: Int) { waiters.removeAll { $0.id == waiter } }

    mutating func connected(_ id: Int, now: LoopInstant) -> [Action] {
        guard members[id]?.state == .connecting else { return [.close(id)] }
        connecting -= 1
        failures = 0
        retryAt = nil
        members[id] = Member(state: .leased, expiry: now.advanced(by: jittered(limits.lifetime, by: 10)))
        return putBack(id, now) + serve(now)
    }

    mutating func connectFailed(_ id: Int, isPermanent: Bool, now: LoopInstant) -> [Action] {
        guard members[id]?.state == .connecting else { return [] }
        members[id] = nil
        connecting -= 1
        failures += 1
        let pause = min(limits.backoffMax, limits.backoffMin * (1 << min(failures - 1, 16)))
        retryAt = now.advanced(by: jittered(pause, by: 2))
        guard isPermanent else { return [] }
        let left = waiters
        waiters = []
        return left.map { .refuse($0.id, .cannotConnect) }
    }

    mutating func released(_ id: Int, isReusable: Bool, now: LoopInstant) -> [Action] {
        guard let member = members[id], member.state == .leased else { return [] }
        guard isReusable, !isClosed, now < member.expiry else {
            members[id] = nil
            return [.close(id)] + serve(now)
        }
        return putBack(id, now)
    }

    /// The short way back for the usual case: a connection that nobody waits for.
    mutating func returnNow(_ id: Int, _ now: LoopInstant) -> Bool {
        guard !isClosed, waiters.isEmpty, let member = members[id], member.state == .leased, now < member.expiry
        else { return false }
        members[id] = Member(state: .idle(since: now), expiry: member.expiry)
        idle.append(id)
        return true
    }

    mutating func checked(_ id: Int, isAlive: Bool, now: LoopInstant) -> [Action] {
        guard members[id]?.state == .checking else { return [] }
        checking -= 1
        guard isAlive, !isClosed else {
            members[id] = nil
            return [.close(id)] + serve(now)
        }
        members[id]?.state = .leased
        return putBack(id, now)
    }

    /// A connection closed by itself, in whatever state.
    mutating func lost(_ id: Int, now: LoopInstant) -> [Action] {
        guard let member = members.removeValue(forKey: id) else { return [] }
        switch member.state {
        case .idle: idle.removeAll { $0 == id }
        case .checking: checking -= 1
        case .connecting: connecting -= 1
        case .leased: break
        }
        return serve(now)
    }

    /// Time passed: waiters that waited too long, connections too old, attempts that are due.
    mutating func tick(now: LoopInstant) -> [Action] {
        var actions: [Action] = []
        while let first = waiters.first, first.deadline <= now {
            waiters.removeFirst()
            actions.append(.refuse(first.id, .timedOut))
        }
        for id in idle {
            guard let member = members[id], case .idle(let since) = member.state else { continue }
            let isSurplus = members.count > minimum && since.advanced(by: limits.idleTimeout) <= now
            guard isSurplus || member.expiry <= now else { continue }
            members[id] = nil
            idle.removeAll { $0 == id }
            actions.append(.close(id))
        }
        if let retryAt, retryAt <= now { self.retryAt = nil }
        return actions + serve(now)
    }

    mutating func keepMinimum(now: LoopInstant) -> [Action] {
        keepsMinimum = true
        return serve(now)
    }

    /// Refuses whoever waits or comes; what is lent comes back first.
    mutating func close() -> [Action] {
        isClosed = true
        let actions: [Action] = idle.map { .close($0) } + waiters.map { .refuse($0.id, .closed) }
        for id in idle { members[id] = nil }
        idle = []
        waiters = []
        return actions
    }

    var idleCount: Int { idle.count }

    private mutating func lendIdle(to waiter: Int, now: LoopInstant) -> Action? {
        while let id = idle.last {
            guard let member = members[id], case .idle(let since) = member.state else {
                idle.removeLast()
                continue
            }
            // Stale connections are checked by `serve`, with the caller among those who wait.
            guard now < since.advanced(by: limits.checkAfter) else { return nil }
            idle.removeLast()
            members[id]?.state = .leased
            return .lease(id, to: waiter)
        }
        return nil
    }

    private mutating func putBack(_ id: Int, _ now: LoopInstant) -> [Action] {
        if let next = waiters.first {
            waiters.removeFirst()
            members[id]?.state = .leased
            return [.lease(id, to: next.id)]
        }
        if isClosed {
            members[id] = nil
            return [.close(id)]
        }
        members[id]?.state = .idle(since: now)
        idle.append(id)
        return []
    }

    /// Does what those who wait need: lends, checks, connects.
    private mutating func serve(_ now: LoopInstant) -> [Action] {
        var actions: [Action] = []
        while let next = waiters.first, let lease = lendIdle(to: next.id, now: now) {
            waiters.removeFirst()
            actions.append(lease)
        }
        while connecting + checking < waiters.count, let id = idle.popLast() {
            members[id]?.state = .checking
            checking += 1
            actions.append(.check(id))
        }
        // After a failure one attempt at a time, and after its pause.
        let isCareful = failures > 0
        while !isClosed, retryAt == nil, !(isCareful && connecting > 0), members.count < limits.connectionsMax,
            connecting + checking < waiters.count || members.count < minimum
        {
            nextID += 1
            members[nextID] = Member(state: .connecting, expiry: now)
            connecting += 1
            actions.append(.connect(nextID))
        }
        return actions
    }

    /// Somewhat less than `duration`, by up to one part in `parts`.
    private mutating func jittered(_ duration: Duration, by parts: Int) -> Duration {
        random = random &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return duration - duration / parts * Double(random >> 40) / Double(1 << 24)
    }
}
