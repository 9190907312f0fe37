import Synchronization

/// Bytes of large messages that all callers of a server together may have in its memory before handlers take them.
///
/// It is one number for all loops rather than a share for each: only messages of `largeMin` bytes or more are counted, and
/// those in steps, so that it is touched once for 64 KiB that came over a wire; and a loop with one large message may use
/// what the others leave. Small messages never come here: what they take is bounded by the number of calls.
///
/// What is counted is what came, never the length that was promised: a caller that announces the largest message and sends
/// nothing must not keep others out. So room may end within a message. The call that asks for more is then refused, and
/// what it held goes to the others: those that came further are the likelier to get through.
final class ByteBudget: Sendable {
    /// The smallest message that is counted.
    static let largeMin = 64 * 1024
    private static let step = 64 * 1024

    let limit: Int
    private let used = Atomic<Int>(0)

    init(limit: Int) { self.limit = limit }

    var usedBytes: Int { used.load(ordering: .relaxed) }

    /// Makes a holder's part as large as `bytes` need, or as small.
    /// - Parameter held: the holder's part, which nothing else may change.
    /// - Returns: false where there is no room; the part stays as it was.
    func hold(_ bytes: Int, insteadOf held: inout Int) -> Bool {
        let wanted = (bytes + ByteBudget.step - 1) / ByteBudget.step * ByteBudget.step
        let more = wanted - held
        if more == 0 { return true }
        let total = used.add(more, ordering: .relaxed).newValue
        if more > 0, total > limit {
            used.subtract(more, ordering: .relaxed)
            return false
        }
        held = wanted
        return true
    }
}
