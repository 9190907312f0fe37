public import Journal
public import Loop
public import Postgres

/// Reads the journal for everybody in this process: once for all who keep up, and as often as needed for those behind.
///
/// It lives on its loop, as the relay does, so that a question between the two is no more than a call. It asks the database
/// only while somebody waits for something new.
public actor JournalFeed {
    static let chunkEntries = 500
    /// What was read lately, for those who are a little behind.
    private static let recentMax = 8
    private static let pauseBusy = Duration.milliseconds(4)
    private static let pauseIdle = Duration.milliseconds(20)
    private static let busyFor = Duration.seconds(1)
    private static let pausePatient = Duration.seconds(1)

    private let journal: Journal
    private let mapping: any EventMapping
    private let loop: EventLoop

    /// Where it has read to; nil before the first time.
    private(set) var end: JournalCursor?
    /// Without gaps, up to `end`.
    private var recent: [EventChunk] = []
    /// Read for somebody far behind.
    private var old: [EventChunk] = []
    private var isReadingOld = false
    private var oldWaiters: [CheckedContinuation<Void, Never>] = []
    private var waiters: [Int: CheckedContinuation<Void, Never>] = [:]
    private var lastWaiter = 0
    /// Of those that wait, who hands on to others: it is in a hurry only while there are any.
    private var carriers: Set<Int> = []
    private var carriersHurry = false
    private let wish = PostgresBell()

    public init(_ pool: PostgresPool, mapping: any EventMapping, loop: EventLoop) {
        journal = Journal(pool)
        self.mapping = mapping
        self.loop = loop
    }

    public nonisolated var unownedExecutor: UnownedSerialExecutor { loop.serial.asUnownedSerialExecutor() }

    /// Reads as long as the task runs.
    /// - Throws: `CancellationError` alone; a database that is away is tried again.
    public func run() async throws {
        var busyUntil = loop.clock.now
        var failures = 0
        while true {
            if waiters.isEmpty { try await wish.wait(upTo: .seconds(60), on: loop) }
            guard !waiters.isEmpty else { continue }
            do {
                if try await readNew() { busyUntil = loop.clock.now.advanced(by: JournalFeed.busyFor) }
                failures = 0
            } catch {
                try Task.checkCancellation()
                failures = min(failures + 1, 6)
                try await loop.sleep(for: .milliseconds(50) * (1 << failures))
                continue
            }
            guard !waiters.isEmpty else { continue }
            guard carriersHurry || waiters.count > carriers.count else {
                try await wish.wait(upTo: JournalFeed.pausePatient, on: loop)
                continue
            }
            let pause = loop.clock.now < busyUntil ? JournalFeed.pauseBusy : JournalFeed.pauseIdle
            try await loop.sleep(for: pause)
        }
    }

    /// Where events go on that happen from now on.
    public func now() async throws -> JournalCursor { try await journal.horizon() }

    /// What comes after `cursor`: a chunk that holds the place, or nil where there is nothing more for now.
    /// - Throws: `PostgresError`, `CancellationError`.
    func chunk(after cursor: JournalCursor) async throws -> EventChunk? {
        if let found = cached(cursor) { return found }
        if let end, cursor >= end { return nil }
        // One at a time reads what is old: the others probably want the same.
        while isReadingOld {
            await withCheckedContinuation { oldWaiters.append($0) }
            try Task.checkCancellation()
            if let found = cached(cursor) { return found }
        }
        isReadingOld = true
        defer {
            isReadingOld = false
            let waiting = oldWaiters
            oldWaiters = []
            for waiter in waiting { waiter.resume() }
        }
        let seen = end
        guard let chunk = try await read(after: cursor) else {
            // The end need not be an entry's place: up to there is nothing more.
            return seen.flatMap { cursor < $0 ? EventChunk(start: cursor, end: $0, events: []) : nil }
        }
        old.append(chunk)
        if old.count > JournalFeed.recentMax { old.removeFirst() }
        return chunk
    }

    /// Whether those who hand on have anybody to hand to.
    func carry(isUrgent: Bool) {
        guard carriersHurry != isUrgent else { return }
        carriersHurry = isUrgent
        wish.ring()
    }

    /// Returns when there may be something after `cursor`.
    /// - Parameter isCarrier: for others, and soon only where `carry` said that there are any.
    /// - Throws: `CancellationError`.
    func wait(after cursor: JournalCursor, isCarrier: Bool = false) async throws {
        if let end, end > cursor { return }
        lastWaiter += 1
        let number = lastWaiter
        if isCarrier { carriers.insert(number) }
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                if Task.isCancelled { return continuation.resume() }
                waiters[number] = continuation
                wish.ring()
            }
        } onCancel: {
            Task { await self.leave(number) }
        }
        try Task.checkCancellation()
    }

    private func leave(_ number: Int) {
        carriers.remove(number)
        waiters.removeValue(forKey: number)?.resume()
    }

    private func cached(_ cursor: JournalCursor) -> EventChunk? {
        func holds(_ chunk: EventChunk) -> Bool { chunk.start <= cursor && cursor < chunk.end }
        return recent.last(where: holds) ?? old.last(where: holds)
    }

    /// - Returns: whether there was anything.
    private func readNew() async throws -> Bool {
        let start: JournalCursor
        if let end { start = end } else { start = try await journal.horizon() }
        // Somebody who waits from before this began reads what lies between as old.
        guard let chunk = try await read(after: start) else {
            if end == nil {
                end = start
                wakeAll()
            }
            return false
        }
        end = chunk.end
        if recent.last?.end != chunk.start { recent.removeAll() }
        recent.append(chunk)
        var kept = recent.reduce(0) { $0 + $1.events.count }
        while recent.count > 1, kept > 2 * JournalFeed.chunkEntries || recent.count > 64 {
            kept -= recent.removeFirst().events.count
        }
        wakeAll()
        return true
    }

    private func wakeAll() {
        let woken = waiters
        waiters = [:]
        carriers = []
        for waiter in woken.values { waiter.resume() }
    }

    private func read(after cursor: JournalCursor) async throws -> EventChunk? {
        let records = try await journal.read(after: cursor, limit: JournalFeed.chunkEntries)
        guard let last = records.last else { return nil }
        return EventChunk(start: cursor, end: last.cursor, events: records.compactMap(mapping.event))
    }
}
