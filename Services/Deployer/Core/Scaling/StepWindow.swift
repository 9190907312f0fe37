/// A number that stays until the next is set, and the least and largest that it was lately.
struct StepWindow: Equatable, Sendable {
    private struct Entry: Equatable {
        var from: Moment
        var value: Int
    }
    private var entries: [Entry] = []

    mutating func set(_ value: Int, at now: Moment) {
        if entries.last?.value == value { return }
        entries.append(Entry(from: now, value: value))
    }

    /// Forgets what no look that far back sees.
    mutating func forget(before start: Moment) {
        guard let inForce = entries.lastIndex(where: { $0.from <= start }) else { return }
        entries.removeFirst(inForce)
    }

    /// The values since then, with that in force at the time; nil where nothing is known of the time.
    private func since(_ start: Moment) -> ArraySlice<Entry>? {
        entries.lastIndex { $0.from <= start }.map { entries[$0...] }
    }

    func least(since start: Moment) -> Int? { since(start)?.map(\.value).min() }
    func largest(since start: Moment) -> Int? { since(start)?.map(\.value).max() }

    /// When the first of these values leaves a window of that length, so that its answer may become another.
    func nextChange(window: Duration, now: Moment) -> Moment? {
        guard let first = entries.first else { return nil }
        let start = now.advanced(by: .zero - window)
        if first.from > start { return first.from.advanced(by: window) }
        guard let next = entries.first(where: { $0.from > start }) else { return nil }
        return next.from.advanced(by: window)
    }
}
