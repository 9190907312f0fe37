import Loop
import Synchronization

/// The versions that are ready, by name. Immutable.
final class CatalogueSnapshot: Sendable {
    /// A model's ready versions, oldest number first, never empty.
    final class Model: Sendable {
        let versions: [ServedVersion]
        let latest: ServedVersion

        init?(_ versions: [ServedVersion]) {
            guard let latest = versions.last else { return nil }
            self.versions = versions
            self.latest = latest
        }
    }

    let sequence: Int
    let models: [String: Model]

    init(sequence: Int, _ versions: [ServedVersion]) {
        self.sequence = sequence
        models = Dictionary(grouping: versions, by: \.name).compactMapValues { versions in
            Model(versions.sorted { $0.version < $1.version })
        }
    }

    @inline(__always)
    func find(_ reference: ModelReference) -> ServedVersion? {
        guard let model = models[reference.name] else { return nil }
        guard let version = reference.version else { return model.latest }
        return model.versions.last { $0.version == version }
    }
}

/// The current snapshot, and one for each event loop that only its thread touches: finding a model takes no lock.
///
/// A loop may still read the snapshot before. Whoever finds a version there that lets nobody in any more looks at the
/// current one.
final class Catalogue: Sendable {
    private final class Slot: @unchecked Sendable {
        let loop: EventLoop
        var snapshot: CatalogueSnapshot

        init(_ loop: EventLoop, _ snapshot: CatalogueSnapshot) {
            self.loop = loop
            self.snapshot = snapshot
        }
    }

    private let slots: [Slot]
    private let shared: Lock<CatalogueSnapshot>

    init(loops: [EventLoop]) {
        let empty = CatalogueSnapshot(sequence: 0, [])
        slots = loops.map { Slot($0, empty) }
        shared = Lock(empty)
    }

    /// What was published last.
    var current: CatalogueSnapshot { shared.withLock { $0 } }

    /// The calling loop's snapshot, which may be one behind; elsewhere the current one.
    var nearest: CatalogueSnapshot {
        if let loop = EventLoop.current {
            for slot in slots where slot.loop === loop { return slot.snapshot }
        }
        return current
    }

    /// Calls `body` when every loop has what was published before: none finds an older snapshot's versions any more.
    func afterAllLoops(_ body: @escaping @Sendable () -> Void) {
        let left = Countdown(slots.count, body)
        for slot in slots { slot.loop.execute { left.one() } }
    }

    func publish(_ versions: [ServedVersion]) {
        let snapshot = shared.withLock { shared in
            shared = CatalogueSnapshot(sequence: shared.sequence + 1, versions)
            return shared
        }
        for slot in slots {
            slot.loop.execute {
                // Two that were published at the same time may arrive in the other order.
                if slot.snapshot.sequence < snapshot.sequence { slot.snapshot = snapshot }
            }
        }
    }
}

/// Calls something when it has been told so often.
private final class Countdown: Sendable {
    private let left: Atomic<Int>
    private let body: @Sendable () -> Void

    init(_ count: Int, _ body: @escaping @Sendable () -> Void) {
        left = Atomic(count)
        self.body = body
    }

    func one() { if left.wrappingSubtract(1, ordering: .acquiringAndReleasing).newValue == 0 { body() } }
}
