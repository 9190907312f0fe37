internal import DeployerTargets
internal import Loop
internal import Postgres

/// What a deployer has in memory of a deployment. Only the controller touches it, on its loop.
final class TendedDeployment {
    let id: Int64
    var record: ControlRecord
    var readAt: LoopInstant
    var meter = DemandMeter()
    var autoscaler = Autoscaler()
    var answers: [ReplicaID: ReplicaAnswers] = [:]
    var probes: [ReplicaID: ReplicaProbe] = [:]
    var refusals: [ReplicaID: TargetError] = [:]
    var preparations: [Int: ObservedDeployment.Preparation] = [:]
    var busy: Set<PlaceWork> = []
    /// Somebody works on it here.
    var task: Task<Void, Never>?
    /// To be looked at, whatever the time.
    var isDue = true
    var wake: LoopInstant?
    /// Rung for who works on it.
    let bell = PostgresBell()
    /// The last decision that was written, and when.
    var recorded: (computed: Int, at: LoopInstant)?
    var troubles = 0
    /// Something at its place came to an end since somebody looked.
    var isDone = false

    init(_ record: ControlRecord, at readAt: LoopInstant) {
        id = record.id
        self.record = record
        self.readAt = readAt
    }

    func take(_ record: ControlRecord, at readAt: LoopInstant) {
        self.record = record
        self.readAt = readAt
        for (key, reading) in record.counters { meter.take(reading, of: key) }
        meter.keep(Set(record.counters.keys))
        let ids = Set(record.rows.map(\.id))
        answers = answers.filter { ids.contains($0.key) }
        refusals = refusals.filter { ids.contains($0.key) }
        probes = probes.filter { ids.contains($0.key) }
    }

    /// The database's time.
    func now(_ loop: EventLoop) -> Moment { record.now.advanced(by: readAt.duration(to: loop.clock.now)) }

    /// To be looked at by then at the latest.
    func later(_ instant: LoopInstant) { wake = wake.map { min($0, instant) } ?? instant }

    func change() {
        isDue = true
        bell.ring()
    }
}

/// When a replica is asked, and with what.
struct ReplicaProbe {
    var address: String
    var key: String
    var period: Duration
    var timeout: Duration
    var due: LoopInstant
    var isStarting: Bool
    var isUnderWay = false
}
