import Loop

/// How requests of a model wait and are joined.
public struct BatchPolicy: Sendable, Equatable {
    /// Whether requests are joined at all.
    public var joins: Bool
    /// Rows of a joined batch at most.
    public var largest: Int
    /// Sizes that the model likes, rising; a batch is closed when one of them is reached and no larger one can be.
    public var preferred: [Int]
    /// How long the oldest request may wait for others.
    public var delay: Duration
    /// Requests that may wait.
    public var limit: Int
    /// Levels of priority, from 0, the ordinary one, to the highest.
    public var levels: Int
    /// Whether a batch begins only when the one before is answered.
    public var keepsOrder = false

    public init(
        joins: Bool = false, largest: Int = 64, preferred: [Int] = [], delay: Duration = .zero, limit: Int = 1000,
        levels: Int = 1
    ) {
        self.joins = joins
        self.largest = largest
        self.preferred = preferred
        self.delay = delay
        self.limit = limit
        self.levels = levels
    }
}

/// The requests that wait for a model, and which of them are executed together next. A value without clock or threads:
/// it is told the time, and answers with the one thing to do.
///
/// Only requests with equal keys are joined. Within a level of priority the order is that of arrival; a request is never
/// overtaken by a later one of its level and key.
struct BatchQueue<Key: Equatable & Sendable>: Sendable {
    struct Waiting: Equatable, Sendable {
        var id: Int
        var rows: Int
        var key: Key
        var priority: Int
        var arrived: LoopInstant
        var deadline: LoopInstant?
    }

    enum Step: Equatable, Sendable {
        /// Execute these together. They are out of the queue.
        case execute([Waiting], BatchClosing)
        /// Others may come; ask again at this time, or when one has.
        case wait(until: LoopInstant)
        case nothing
    }

    let policy: BatchPolicy
    /// By level, the highest first. Consumed from `heads`.
    private var levels: [[Waiting]]
    private var heads: [Int]
    private(set) var count = 0

    init(_ policy: BatchPolicy) {
        self.policy = policy
        levels = Array(repeating: [], count: max(1, policy.levels))
        heads = Array(repeating: 0, count: levels.count)
    }

    /// - Parameter isForced: of a request that was in the queue before.
    /// - Returns: false where the queue is full.
    mutating func add(_ waiting: Waiting, isForced: Bool = false) -> Bool {
        guard isForced || count < policy.limit else { return false }
        count += 1
        levels[level(of: waiting.priority)].append(waiting)
        return true
    }

    /// Takes out a request that nobody waits for any more.
    /// - Returns: false where it is not in the queue.
    mutating func remove(id: Int, priority: Int) -> Bool {
        let level = level(of: priority)
        guard let index = levels[level][heads[level]...].firstIndex(where: { $0.id == id }) else { return false }
        levels[level].remove(at: index)
        count -= 1
        return true
    }

    /// What an instance that is free should do.
    /// - Parameter estimate: how long a batch of so many rows takes, in nanoseconds, where that is known: a batch is closed
    ///   in time for the deadlines in it.
    mutating func next(now: LoopInstant, estimate: (_ rows: Int) -> Int64? = { _ in nil }) -> Step {
        guard let level = levels.indices.first(where: { heads[$0] < levels[$0].count }) else { return .nothing }
        let first = levels[level][heads[level]]
        guard policy.joins else { return .execute(take([heads[level]], of: level), .single) }

        var members: [Int] = []
        var rows = 0
        var cut = 0
        var isFull = false
        for index in heads[level]..<levels[level].count {
            let candidate = levels[level][index]
            guard candidate.key == first.key else { continue }
            // The first goes alone where it is larger than any batch would be.
            guard members.isEmpty || rows + candidate.rows <= policy.largest else {
                isFull = true
                break
            }
            members.append(index)
            rows += candidate.rows
            if policy.preferred.contains(rows) { cut = members.count }
        }
        if rows >= policy.largest { isFull = true }
        if isFull { return .execute(take(members, of: level), .full) }
        if cut > 0, policy.preferred.last.map({ rows >= $0 }) ?? false {
            return .execute(take(Array(members[..<cut]), of: level), .full)
        }
        guard policy.delay > .zero else {
            return .execute(take(cut > 0 ? Array(members[..<cut]) : members, of: level), .idle)
        }
        let due = first.arrived.advanced(by: policy.delay)
        if due <= now {
            return .execute(take(cut > 0 ? Array(members[..<cut]) : members, of: level), .delay)
        }
        var limit = due
        let cost = estimate(rows) ?? 0
        for index in members {
            guard let deadline = levels[level][index].deadline else { continue }
            let latest = deadline.advanced(by: .nanoseconds(-cost))
            if latest <= now { return .execute(take(members, of: level), .deadline) }
            limit = min(limit, latest)
        }
        return .wait(until: limit)
    }

    private func level(of priority: Int) -> Int { levels.count - 1 - min(max(0, priority), levels.count - 1) }

    /// - Parameter indices: rising.
    private mutating func take(_ indices: [Int], of level: Int) -> [Waiting] {
        let taken = indices.map { levels[level][$0] }
        count -= taken.count
        let isPrefix = indices.first == heads[level] && indices.last == heads[level] + indices.count - 1
        if isPrefix {
            heads[level] += indices.count
        } else {
            for index in indices.reversed() { levels[level].remove(at: index) }
        }
        if heads[level] == levels[level].count {
            levels[level].removeAll(keepingCapacity: true)
            heads[level] = 0
        } else if heads[level] > 64, heads[level] * 2 > levels[level].count {
            levels[level].removeFirst(heads[level])
            heads[level] = 0
        }
        return taken
    }
}
