import Journal
import Postgres

/// An event on its way to one subscription.
struct DeliveryItem: Sendable, Equatable {
    var event: EventRecord
    /// Attempts that were made.
    var attempts = 0
    /// From when its age counts: the first time that it was to go out.
    var since: PostgresTimestamp
    /// Whether it has a row of its own among those that wait.
    var isRow = false
}

/// What may go out next. Without order: first come, first served. With order: at most one batch of a subject is out at a
/// time, in the order in which its events came; subjects take turns.
struct ReadyQueue {
    let isOrdered: Bool
    private var items = Fifo<DeliveryItem>()
    private var bySubject: [String: Fifo<DeliveryItem>] = [:]
    private var subjects = Fifo<String>()
    /// Subjects of which something is out.
    private var busy: Set<String> = []
    private(set) var count = 0

    init(isOrdered: Bool) { self.isOrdered = isOrdered }

    mutating func append(_ item: DeliveryItem) {
        count += 1
        guard isOrdered else { return items.append(item) }
        let subject = item.event.subject
        if bySubject[subject] == nil, !busy.contains(subject) { subjects.append(subject) }
        bySubject[subject, default: Fifo()].append(item)
    }

    /// The next ones, to go out together. Each has to be given back with `release`.
    mutating func next(atMost limit: Int) -> [DeliveryItem] {
        var batch: [DeliveryItem] = []
        guard isOrdered else {
            while batch.count < limit, let item = items.popFirst() { batch.append(item) }
            count -= batch.count
            return batch
        }
        while batch.count < limit, let subject = subjects.popFirst() {
            // It may stand here from before it was withdrawn.
            guard !busy.contains(subject), var queue = bySubject.removeValue(forKey: subject) else { continue }
            busy.insert(subject)
            while batch.count < limit, let item = queue.popFirst() { batch.append(item) }
            if !queue.isEmpty { bySubject[subject] = queue }
        }
        count -= batch.count
        return batch
    }

    /// What was out has its outcome: the subject's next may go.
    mutating func release(_ subject: String) {
        guard isOrdered, busy.remove(subject) != nil, bySubject[subject] != nil else { return }
        subjects.append(subject)
    }

    /// Takes out what waits of a subject: it is not to go out now.
    mutating func withdraw(_ subject: String) -> [DeliveryItem] {
        guard isOrdered, var queue = bySubject.removeValue(forKey: subject) else { return [] }
        var withdrawn: [DeliveryItem] = []
        while let item = queue.popFirst() { withdrawn.append(item) }
        count -= withdrawn.count
        return withdrawn
    }
}

/// First in, first out, without moving what stays at each step.
struct Fifo<Element> {
    private var elements: [Element?] = []
    private var first = 0

    var isEmpty: Bool { first == elements.count }

    mutating func append(_ element: Element) { elements.append(element) }

    mutating func popFirst() -> Element? {
        guard first < elements.count else { return nil }
        defer {
            elements[first] = nil
            first += 1
            if first > 64, first * 2 > elements.count {
                elements.removeFirst(first)
                first = 0
            }
        }
        return elements[first]
    }
}
