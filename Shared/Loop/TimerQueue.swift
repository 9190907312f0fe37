/// A timer on a loop. Everything here happens on that loop's thread.
public final class LoopTimer {
    public fileprivate(set) var deadline: LoopInstant
    fileprivate var body: (() -> Void)?
    /// Called instead of the body where the loop ends first.
    var dropped: (() -> Void)?
    fileprivate var index = -1
    /// Let go of when the timer fires or is cancelled. Never `weak`: a side table would slow every use of the loop down.
    fileprivate var loop: EventLoop?

    init(deadline: LoopInstant, loop: EventLoop, body: @escaping () -> Void) {
        self.deadline = deadline
        self.loop = loop
        self.body = body
    }

    /// True until the timer fired or was cancelled.
    public var isPending: Bool { index >= 0 }

    /// Takes the timer out; does nothing where it fired already. On the loop's thread only.
    public func cancel() {
        guard index >= 0, let loop else { return }
        loop.timers.remove(self)
        _ = take()
    }

    func take() -> (() -> Void)? {
        defer {
            body = nil
            dropped = nil
            loop = nil
        }
        return body
    }
}

/// A binary heap in which each timer knows its place, so that cancelling costs as little as scheduling. Deadlines of
/// calls mostly grow, which makes the usual insertion touch one element.
struct TimerQueue {
    private var heap: [LoopTimer] = []

    var count: Int { heap.count }
    var first: LoopTimer? { heap.first }

    mutating func insert(_ timer: LoopTimer) {
        timer.index = heap.count
        heap.append(timer)
        siftUp(timer.index)
    }

    mutating func remove(_ timer: LoopTimer) {
        let index = timer.index
        guard index >= 0, index < heap.count, heap[index] === timer else { return }
        timer.index = -1
        let last = heap.removeLast()
        guard last !== timer else { return }
        heap[index] = last
        last.index = index
        siftUp(index)
        siftDown(last.index)
    }

    mutating func popFirst(notAfter now: LoopInstant) -> LoopTimer? {
        guard let timer = heap.first, timer.deadline <= now else { return nil }
        remove(timer)
        return timer
    }

    /// Takes everything out without firing it.
    mutating func removeAll() -> [LoopTimer] {
        defer { heap = [] }
        for timer in heap { timer.index = -1 }
        return heap
    }

    private mutating func siftUp(_ start: Int) {
        var index = start
        let timer = heap[index]
        while index > 0 {
            let parent = (index - 1) / 2
            guard timer.deadline < heap[parent].deadline else { break }
            heap[index] = heap[parent]
            heap[index].index = index
            index = parent
        }
        heap[index] = timer
        timer.index = index
    }

    private mutating func siftDown(_ start: Int) {
        var index = start
        let timer = heap[index]
        while true {
            var child = 2 * index + 1
            guard child < heap.count else { break }
            if child + 1 < heap.count, heap[child + 1].deadline < heap[child].deadline { child += 1 }
            guard heap[child].deadline < timer.deadline else { break }
            heap[index] = heap[child]
            heap[index].index = index
            index = child
        }
        heap[index] = timer
        timer.index = index
    }
}
