import Synchronization

/// What an instance said that was executed on the loop: at once, or later on a thread of its own.
final class InlineOutcome: @unchecked Sendable {
    private enum Stage {
        static let open = 0
        static let said = 1
        static let handedOver = 2
    }

    private let stage = Atomic<Int>(Stage.open)
    private var result: Result<[Tensor], ServingError>?
    private var next: (@Sendable (Result<[Tensor], ServingError>) -> Void)?

    func complete(_ result: Result<[Tensor], ServingError>) {
        self.result = result
        if stage.exchange(Stage.said, ordering: .acquiringAndReleasing) == Stage.handedOver { next?(result) }
    }

    /// The result where it is there.
    var immediate: Result<[Tensor], ServingError>? {
        stage.load(ordering: .acquiring) == Stage.said ? result : nil
    }

    /// Has the result go to `next`: now, where it has come meanwhile.
    func handOver(to next: @escaping @Sendable (Result<[Tensor], ServingError>) -> Void) {
        self.next = next
        let old = stage.exchange(Stage.handedOver, ordering: .acquiringAndReleasing)
        if old == Stage.said, let result { next(result) }
    }
}
