import Glibc
import Synchronization

/// Cells that threads write without meeting: each thread has its own for as long as there are enough.
package enum Stripes {
    package static let count = 8

    private static let turn = Atomic<Int>(0)
    private static let key: pthread_key_t = {
        var key = pthread_key_t()
        pthread_key_create(&key, nil)
        return key
    }()

    /// The calling thread's stripe.
    package static var current: Int {
        // A thread's value is its number plus one, because nothing set reads as zero.
        let known = Int(bitPattern: pthread_getspecific(key))
        if known > 0 { return known - 1 }
        let number = turn.add(1, ordering: .relaxed).oldValue % count
        pthread_setspecific(key, UnsafeRawPointer(bitPattern: number + 1))
        return number
    }
}
