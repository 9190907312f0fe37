/// Calls that wait for a connection, first come, first served. Those that gave up stay as gaps until they are passed.
struct CallQueue {
    private var calls: [ClientCall?] = []
    private var head = 0
    /// How many really wait.
    private(set) var count = 0

    mutating func append(_ call: ClientCall) {
        calls.append(call)
        count += 1
    }

    var first: ClientCall? { head < calls.count ? calls[head] : nil }

    mutating func removeFirst() {
        guard head < calls.count else { return }
        if calls[head] != nil { count -= 1 }
        calls[head] = nil
        head += 1
        skipGaps()
    }

    mutating func remove(_ call: ClientCall) {
        guard let index = calls[head...].firstIndex(where: { $0 === call }) else { return }
        calls[index] = nil
        count -= 1
        skipGaps()
    }

    /// Takes out the calls for which `condition` holds.
    mutating func removeAll(where condition: (ClientCall) -> Bool) -> [ClientCall] {
        var removed: [ClientCall] = []
        var kept: [ClientCall?] = []
        for case let call? in calls[head...] {
            if condition(call) { removed.append(call) } else { kept.append(call) }
        }
        calls = kept
        head = 0
        count = kept.count
        return removed
    }

    private mutating func skipGaps() {
        while head < calls.count, calls[head] == nil { head += 1 }
        if head == calls.count {
            calls.removeAll(keepingCapacity: true)
            head = 0
        } else if head > 64, head * 2 > calls.count {
            calls.removeFirst(head)
            head = 0
        }
    }
}
