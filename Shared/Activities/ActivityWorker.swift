import Leases
import Loop
import Postgres
import ServiceKit

/// Runs activities of the kinds that it has handlers for. Any number of workers in any number of processes share the
/// work; each activity is run by one at a time.
///
/// Asked to stop, it takes nothing new, hands back what is resumable at once, and lets the rest come to its end within
/// the group's grace.
public final class ActivityWorker: Service {
    public struct Configuration: Sendable {
        /// So many activities at once.
        public var concurrency = 4
        /// How long after the death of a process another takes its activities over. Renewed three times as often.
        public var leaseDuration = Duration.seconds(30)
        /// Idle workers look this often even where nothing was heard.
        public var backstop = Duration.seconds(15)
        /// Hears of what goes wrong, for a log: the errors of handlers, and of the database.
        public var onEvent: @Sendable (ActivityWorkerEvent) -> Void = { _ in }

        public init() {}
    }

    public let serviceName: String
    let activities: Activities
    let leases: Leases
    let handlers: [String: any ActivityHandler]
    let configuration: Configuration
    let runs = Lock<[Int: ActivityRun]>([:])
    private let isStopping = Lock(false)

    /// - Parameters:
    ///   - activities: has to run as a service too, so that work is heard of at once.
    ///   - name: of this worker, for people: the host and the process.
    public init(
        _ activities: Activities, name: String, handlers: [any ActivityHandler],
        configuration: Configuration = Configuration()
    ) {
        self.activities = activities
        serviceName = "activity-worker"
        leases = Leases(activities.pool, holder: name, loop: activities.loop)
        self.handlers = Dictionary(handlers.map { ($0.kind, $0) }) { _, last in last }
        self.configuration = configuration
    }

    public func run() async throws {
        let topics = handlers.keys.map { PostgresSignals.Topic(Leases.channel, Activity.leaseKind($0)) }
        try await activities.signals.withBell(topics) { bell in
            try await StopSignal.withHandler {
                await withTaskCancellationHandler {
                    await withDiscardingTaskGroup { group in await work(bell, &group) }
                } onCancel: {
                    stop(bell, everything: true)
                }
                try Task.checkCancellation()
            } onStop: {
                self.stop(bell, everything: false)
            }
        }
    }

    private func stop(_ bell: PostgresBell, everything: Bool) {
        isStopping.withLock { $0 = true }
        for run in runs.withLock({ Array($0.values) }) where everything || run.isResumable { run.stop(.shutdown) }
        bell.ring()
    }

    /// Claims and runs until it is asked to stop.
    private func work(_ bell: PostgresBell, _ group: inout DiscardingTaskGroup) async {
        let kinds = handlers.keys.map(Activity.leaseKind)
        var number = 0
        var failures = 0
        while !isStopping.withLock({ $0 }) {
            let free = configuration.concurrency - runs.withLock { $0.count }
            var pause = configuration.backstop
            if free > 0 {
                do {
                    let claims = try await leases.claimNext(kinds, limit: free, for: configuration.leaseDuration)
                    for lease in claims.leases {
                        number += 1
                        begin(lease, number, bell, &group)
                    }
                    if let next = claims.nextAfter { pause = min(pause, max(next, .milliseconds(50))) }
                    failures = 0
                } catch is CancellationError {
                    return
                } catch {
                    failures += 1
                    configuration.onEvent(.cannotClaim("\(error)"))
                    pause = min(pause, .milliseconds(100) * (1 << min(failures, 6)))
                }
            }
            // An end of a run rings, too. Cancellation sets the stop as well.
            try? await bell.wait(upTo: pause, on: activities.loop)
        }
    }

    private func begin(_ lease: Lease, _ number: Int, _ bell: PostgresBell, _ group: inout DiscardingTaskGroup) {
        let kind = String(lease.kind.dropFirst(Activity.leaseKind("").count))
        guard let handler = handlers[kind] else { return }
        let run = ActivityRun(isResumable: handler.isResumable)
        runs.withLock { $0[number] = run }
        // A stop that comes from here on finds the run; one that came since the claim did not.
        if isStopping.withLock({ $0 }) {
            runs.withLock { _ = $0.removeValue(forKey: number) }
            group.addTask { [leases] in await Task { try? await leases.release(lease) }.value }
            return
        }
        group.addTask { [self] in
            // In a task of its own: what is written at the end is written for a cancelled worker, too.
            await Task { await perform(lease, handler, run) }.value
            runs.withLock { _ = $0.removeValue(forKey: number) }
            bell.ring()
        }
    }
}

/// What a worker says of itself.
public enum ActivityWorkerEvent: Sendable, CustomStringConvertible {
    case cannotClaim(String)
    /// The attempt ended because its lease was lost; somebody else goes on with it.
    case lost(PostgresUUID)
    /// The handler threw an error whose text callers do not get.
    case handlerFailed(PostgresUUID, kind: String, error: String)
    /// The state could not be written; the lease expires, and somebody else takes over.
    case cannotRecord(PostgresUUID, error: String)

    public var description: String {
        switch self {
        case .cannotClaim(let error): "cannot claim work: \(error)"
        case .lost(let id): "activity \(id) is somebody else's now"
        case .handlerFailed(let id, let kind, let error): "activity \(id) (\(kind)): \(error)"
        case .cannotRecord(let id, let error): "activity \(id): what became of it could not be written: \(error)"
        }
    }
}
