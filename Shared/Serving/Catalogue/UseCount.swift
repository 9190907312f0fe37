import Loop
import Synchronization

/// How many requests use a version. Closed, it takes no more and tells once when the last has gone.
///
/// One atomic number, so that entering costs no lock: the count in its low bits, the closing in a high one.
final class UseCount: Sendable {
    private static let closed = 1 << 62

    private let word = Atomic<Int>(0)
    private let drained = Lock<(@Sendable () -> Void)?>(nil)

    /// Requests under way.
    var count: Int { word.load(ordering: .relaxed) & ~UseCount.closed }

    /// - Returns: false where it is closed; then there is nothing to leave.
    func enter() -> Bool {
        if word.wrappingAdd(1, ordering: .acquiringAndReleasing).newValue & UseCount.closed == 0 { return true }
        leave()
        return false
    }

    /// One more use by somebody who is inside already.
    func enterAgain() { word.wrappingAdd(1, ordering: .relaxed) }

    func leave() {
        if word.wrappingSubtract(1, ordering: .acquiringAndReleasing).newValue == UseCount.closed { tell() }
    }

    /// Lets nobody in any more, and calls `body` once nobody is inside; now, where that is so. Once only.
    func close(_ body: @escaping @Sendable () -> Void) {
        drained.withLock { $0 = body }
        let old = word.bitwiseOr(UseCount.closed, ordering: .acquiringAndReleasing).oldValue
        if old & ~UseCount.closed == 0 { tell() }
    }

    /// Whoever is turned away passes through the count too, so that it may reach zero more than once.
    private func tell() {
        let body = drained.withLock { body in
            defer { body = nil }
            return body
        }
        body?()
    }
}
