import Journal

/// A stretch of the journal: everything after `start` up to `end`, of which `events` are for others. Read once, shared by all.
final class EventChunk: Sendable {
    let start: JournalCursor
    let end: JournalCursor
    let events: [EventRecord]

    init(start: JournalCursor, end: JournalCursor, events: [EventRecord]) {
        self.start = start
        self.end = end
        self.events = events
    }

    /// The events after `cursor`.
    func events(after cursor: JournalCursor) -> ArraySlice<EventRecord> {
        guard cursor > start else { return events[...] }
        var low = 0
        var high = events.count
        while low < high {
            let middle = (low + high) / 2
            if events[middle].cursor > cursor { high = middle } else { low = middle + 1 }
        }
        return events[low...]
    }
}
