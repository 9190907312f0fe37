internal import DeployerTargets
internal import Leases
internal import Loop
internal import Postgres
internal import ServiceKit

/// Looks after every deployment (Docs/decisions/0005-deployer.md). Several deployers may: who has something to do for a
/// deployment takes its lease for as long as that lasts.
///
/// One actor on one loop. What it has in memory is a copy: it may be stale, and decides only whether there may be
/// something to do. What is done is decided under the lease, by what is read then.
actor Controller {
    static let leaseKind = "deployments.control"

    let pool: PostgresPool
    let parts: ControlParts
    let reader: ControlReader
    let store: ControlStore
    let leases: Leases
    let loop: EventLoop
    let bell = PostgresBell()

    /// Told before and after each step; tests end a deployer there.
    nonisolated let onPoint: @Sendable (ControlPoint) async -> Void

    var tended: [Int64: TendedDeployment] = [:]
    var views: [Int64: PlaceView] = [:]
    var looks: [Int64: (begun: Int64, task: Task<PlaceView, Never>)] = [:]
    var watches: [Int64: Task<Void, Never>] = [:]
    var orphans: Set<ReplicaID> = []
    /// To be read anew.
    var dirty: Set<Int64> = []
    var isReadingAll = true
    var isDemandUrgent = true
    var sessions = 0
    private var clock: Int64 = 0
    private var nextObservation: LoopInstant?
    private var nextFull: LoopInstant?
    private var nextDemand: LoopInstant?
    var demandSince: Moment?

    init(
        _ pool: PostgresPool, _ parts: ControlParts, holder: String, loop: EventLoop,
        onPoint: @escaping @Sendable (ControlPoint) async -> Void = { _ in }
    ) {
        self.onPoint = onPoint
        self.pool = pool
        self.parts = parts
        self.loop = loop
        reader = ControlReader(pool: pool)
        store = ControlStore(pool: pool, box: parts.box)
        leases = Leases(pool, holder: holder, loop: loop)
    }

    nonisolated var unownedExecutor: UnownedSerialExecutor { loop.serial.asUnownedSerialExecutor() }

    /// Numbers moments, so that it is known which observation was begun after which deed.
    func tick() -> Int64 {
        clock += 1
        return clock
    }

    /// Looks and has done what there is to do, until the task is cancelled.
    func tend() async throws {
        while true {
            do {
                try await look()
            } catch {
                try Task.checkCancellation()
                parts.logger.warning("deployments can't be looked at", ["error": .string("\(error)")])
                isReadingAll = true
                try await loop.sleep(for: .seconds(1))
            }
            try await bell.wait(upTo: pause, on: loop)
        }
    }

    /// Notes what changed in the database.
    func listen() async throws {
        let channels = [DeployerChannel.deployments, DeployerChannel.demand]
        for try await element in PostgresNotifications(pool.configuration, channels: channels, on: loop) {
            switch element {
            case .gap: isReadingAll = true
            case .notification(let notification):
                if notification.channel == DeployerChannel.demand { isDemandUrgent = true }
                if let id = Int64(notification.payload) { dirty.insert(id) }
            }
            bell.ring()
        }
    }

    /// Ends what was begun here.
    func stop() async {
        let tasks = tended.values.compactMap(\.task)
        for task in tasks { task.cancel() }
        for task in tasks { await task.value }
        for watch in watches.values { watch.cancel() }
    }

    private var pause: Duration {
        let now = loop.clock.now
        var next = now.advanced(by: parts.times.demand)
        for deployment in tended.values where deployment.task == nil {
            if deployment.isDue, sessions < parts.times.sessions { return .zero }
            if let wake = deployment.wake { next = min(next, wake) }
        }
        return max(.milliseconds(1), now.duration(to: next))
    }

    private func look() async throws {
        let now = loop.clock.now
        if isReadingAll || now >= (nextFull ?? now) {
            // Before it is read: what is seen and is in no row afterwards is in none.
            await observeAll()
            nextObservation = now.advanced(by: parts.times.observe)
            try await readAll()
            nextFull = now.advanced(by: parts.times.full)
        } else {
            if now >= (nextObservation ?? now) {
                nextObservation = now.advanced(by: parts.times.observe)
                await observeAll()
            }
            if !dirty.isEmpty { try await readDirty() }
            if isDemandUrgent || now >= (nextDemand ?? now) {
                nextDemand = now.advanced(by: parts.times.demand)
                try await readDemand()
            }
        }
        evaluate()
    }

    private func readAll() async throws {
        isReadingAll = false
        isDemandUrgent = false
        dirty = []
        let at = loop.clock.now
        let views = views
        let records: [Int64: ControlRecord]
        do { records = try await reader.read(nil) } catch {
            isReadingAll = true
            throw error
        }
        for (id, record) in records { take(record, id, at) }
        for id in tended.keys where records[id] == nil { drop(id) }
        for (target, view) in views { removeOrphans(of: target, view, known: records) }
        let targets = Set(records.values.map(\.target))
        for target in targets where watches[target] == nil { watch(target) }
        for target in targets where views[target] == nil { _ = await view(of: target, after: 0) }
        demandSince = records.values.map(\.now).max()?.advanced(by: .seconds(-2))
    }

    private func readDirty() async throws {
        let ids = Array(dirty)
        dirty = []
        let at = loop.clock.now
        do {
            let records = try await reader.read(ids)
            for id in ids {
                if let record = records[id] { take(record, id, at) } else { drop(id) }
            }
            for target in Set(records.values.map(\.target)) where watches[target] == nil { watch(target) }
        } catch {
            dirty.formUnion(ids)
            throw error
        }
    }

    private func readDemand() async throws {
        isDemandUrgent = false
        let since = demandSince ?? Moment(microseconds: PostgresTimestamp.now.microseconds).advanced(by: .seconds(-60))
        for row in try await reader.reports(since: since) {
            demandSince = max(demandSince ?? since, row.reading.at.advanced(by: .seconds(-2)))
            guard let deployment = tended[row.deployment] else { continue }
            let before = deployment.meter
            deployment.meter.take(row.reading, of: row.key)
            if deployment.meter != before { deployment.change() }
        }
    }

    private func take(_ record: ControlRecord, _ id: Int64, _ at: LoopInstant) {
        if let known = tended[id] {
            // Who works on it reads for himself.
            if known.task == nil { known.take(record, at: at) }
            known.change()
        } else {
            let fresh = TendedDeployment(record, at: at)
            fresh.take(record, at: at)
            tended[id] = fresh
        }
    }

    private func drop(_ id: Int64) {
        guard let gone = tended[id], gone.task == nil else { return }
        tended[id] = nil
    }

    /// Has those worked on for which there may be something to do.
    private func evaluate() {
        let now = loop.clock.now
        for deployment in tended.values where deployment.task == nil {
            guard deployment.isDue || deployment.wake.map({ $0 <= now }) ?? false else { continue }
            guard sessions < parts.times.sessions else { return }
            deployment.isDue = false
            deployment.wake = nil
            prepareProbes(deployment)
            let choice = decide(deployment)
            let answer = DeploymentPlan.next(
                deployment.record.desired, observed(deployment), rules: parts.times.rules)
            if let wake = answer.wake { later(deployment, wake) }
            guard answer.step != nil || choice.changes || isWorthWriting(choice, deployment) else { continue }
            begin(deployment)
        }
    }
}
