import Journal

/// What a subscription took from the journal and has not dealt with yet: how far it read, and how far everything is done.
///
/// A value without time and chance. `read` never goes back; `done` never passes an event that is not finished.
struct DeliveryWindow: Equatable {
    /// Everything up to there was looked at.
    private(set) var read: JournalCursor
    /// Everything up to there is finished: where to begin after a crash.
    private(set) var done: JournalCursor

    /// In the journal's order; those before `first` are finished and will be removed.
    private var taken: [JournalCursor] = []
    private var first = 0
    /// Finished ahead of an earlier one.
    private var ahead: Set<JournalCursor> = []

    init(after cursor: JournalCursor) {
        read = cursor
        done = cursor
    }

    /// How many are not finished, counting those that wait for an earlier one.
    var count: Int { taken.count - first }

    /// Takes an event that comes after all that was read.
    mutating func take(_ place: JournalCursor) {
        guard place > read else { return }
        read = place
        taken.append(place)
    }

    /// Nothing more up to there is for this subscription.
    mutating func pass(to place: JournalCursor) {
        read = max(read, place)
        if count == 0 { done = read }
    }

    /// The event is dealt with: delivered, or kept in a row that is written together with `done`.
    mutating func finish(_ place: JournalCursor) {
        guard count > 0, taken[first] == place else {
            ahead.insert(place)
            return
        }
        advance()
        while count > 0, !ahead.isEmpty, ahead.remove(taken[first]) != nil { advance() }
        if count == 0 {
            done = read
            ahead.removeAll(keepingCapacity: false)
        }
        if first > 1024, first * 2 > taken.count {
            taken.removeFirst(first)
            first = 0
        }
    }

    private mutating func advance() {
        done = taken[first]
        first += 1
    }
}
