import CLinux
import Glibc
import Synchronization

/// The process's loops: one thread each. Nothing runs before `start`.
public final class LoopGroup: Sendable {
    public let loops: [EventLoop]
    private let turn = Atomic<Int>(0)
    private let threads = Lock<[pthread_t]>([])

    /// - Parameter count: how many loops; one per core where nothing is said.
    public init(count: Int? = nil, name: String = "loop", clock: any LoopClock = MonotonicClock()) throws {
        loops = try (0..<max(1, count ?? AvailableCores.count)).map {
            try EventLoop(name: "\(name)-\($0)", clock: clock)
        }
    }

    /// Starts one thread per loop. Does nothing the second time.
    /// - Throws: `LoopError` where the machine gives no more threads.
    public func start() throws {
        try threads.withLock { threads in
            guard threads.isEmpty else { return }
            for loop in loops { threads.append(try startThread(named: loop.name) { loop.run() }) }
        }
    }

    /// The loop of this thread where it is one of ours, and otherwise each in its turn.
    public func next() -> EventLoop {
        if let current = EventLoop.current, loops.contains(where: { $0 === current }) { return current }
        return loops[(turn.add(1, ordering: .relaxed).oldValue & Int.max) % loops.count]
    }

    /// Stops every loop and waits for their threads. Not from a loop's own thread.
    public func stop() { end { $0.stop() } }

    /// As the death of the process would; see `EventLoop.abandon`. Not from a loop's own thread.
    package func abandon() { end { $0.abandon() } }

    private func end(_ how: (EventLoop) -> Void) {
        let running = threads.withLock { threads in
            defer { threads = [] }
            return threads
        }
        guard !running.isEmpty else { return }
        for loop in loops { how(loop) }
        for thread in running { pthread_join(thread, nil) }
    }
}

/// Starts a thread that runs `body` to its end. Whoever starts it joins or detaches it.
public func startThread(named name: String, _ body: @escaping @Sendable () -> Void) throws(LoopError) -> pthread_t {
    final class Box {
        let body: @Sendable () -> Void
        init(_ body: @escaping @Sendable () -> Void) { self.body = body }
    }
    var thread = pthread_t()
    let box = Unmanaged.passRetained(Box(body))
    let status = pthread_create(
        &thread, nil,
        { pointer in
            if let pointer { Unmanaged<Box>.fromOpaque(pointer).takeRetainedValue().body() }
            return nil
        }, box.toOpaque())
    guard status == 0 else {
        box.release()
        throw LoopError(operation: "pthread_create", number: status)
    }
    pthread_setname_np(thread, String(name.prefix(15)))
    return thread
}
