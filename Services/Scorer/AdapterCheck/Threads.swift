import Glibc
import Loop

/// Real threads: adapters are called from several, and must be found out by several.
enum Threads {
    private final class Work: Sendable {
        let index: Int
        let body: @Sendable (Int) -> Int
        let results: Lock<[Int]>

        init(_ index: Int, _ results: Lock<[Int]>, _ body: @escaping @Sendable (Int) -> Int) {
            self.index = index
            self.results = results
            self.body = body
        }
    }

    /// Runs `body` on as many threads as asked and waits for all.
    static func run(_ count: Int, _ body: @escaping @Sendable (Int) -> Int) -> [Int] {
        let results = Lock([Int](repeating: 0, count: count))
        var threads: [pthread_t] = []
        for index in 0..<count {
            var thread = pthread_t()
            let work = Unmanaged.passRetained(Work(index, results, body))
            let code = pthread_create(
                &thread, nil,
                { argument in
                    guard let argument else { return nil }
                    let work = Unmanaged<Work>.fromOpaque(argument).takeRetainedValue()
                    let result = work.body(work.index)
                    work.results.withLock { $0[work.index] = result }
                    return nil
                }, work.toOpaque())
            if code == 0 { threads.append(thread) } else { work.release() }
        }
        for thread in threads { pthread_join(thread, nil) }
        return results.withLock { $0 }
    }
}
