import Synchronization

/// Stops repetitions when most calls fail: then they only add to what is wrong. Shared by a channel's loops.
final class RetryThrottle: Sendable {
    private let most: Int
    private let thousandths: Atomic<Int>

    init(tokens: Int) {
        most = max(1, tokens) * 1000
        thousandths = Atomic(most)
    }

    /// A call failed in a way that invites a repetition. True where it may be repeated.
    func failed() -> Bool { change(by: -1000) > most / 2 }

    func succeeded() { if thousandths.load(ordering: .relaxed) < most { _ = change(by: 100) } }

    private func change(by step: Int) -> Int {
        var old = thousandths.load(ordering: .relaxed)
        while true {
            let new = min(most, max(0, old + step))
            let (exchanged, original) = thousandths.weakCompareExchange(
                expected: old, desired: new, ordering: .relaxed)
            if exchanged { return new }
            old = original
        }
    }
}
