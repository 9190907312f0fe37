import CLinux
import Glibc
import Synchronization

/// One epoll thread that is also a Swift executor: what runs with a preference for it never leaves its thread, and what
/// arrives on its descriptors is handled without a hop.
public final class EventLoop: @unchecked Sendable {
    public let name: String
    public let clock: any LoopClock
    /// The time at which the current turn began: cheap, and good enough for time-outs.
    public internal(set) var turnStart: LoopInstant
    /// A buffer that whoever reads on this loop may use until it returns.
    public let readBuffer: UnsafeMutableRawBufferPointer

    /// For actors that live on this loop.
    public let serial = LoopSerialExecutor()

    let poll: Int32
    let wakeDescriptor: Int32
    let threadID = Atomic<UInt>(0)

    struct Remote {
        var jobs: [LoopJob] = []
        var bodies: [@Sendable () -> Void] = []
        var isStopped = false
    }
    let remote = Lock(Remote())
    let wakePending = Atomic<Bool>(false)
    var localJobs: [LoopJob] = []
    var runningJobs: [LoopJob] = []
    var timers = TimerQueue()
    var channels: [Channel?] = Array(repeating: nil, count: 256)
    var channelCount = 0
    var generation: UInt32 = 0
    var dirtyChannels: [Channel] = []
    var againChannels: [Channel] = []
    var isStopping = false
    var isAbandoned = false
    /// See `worked`.
    var workSinceTrim = 0
    var isTrimDue = false
    /// With so many jobs waiting they are run, and their answers sent, before the next descriptor's bytes make more:
    /// their memory is still in the processor's cache.
    static let jobsBatch = 64

    /// - Throws: `LoopError` where the machine gives no more descriptors.
    public init(name: String, clock: any LoopClock = MonotonicClock()) throws {
        self.name = name
        self.clock = clock
        turnStart = clock.now
        poll = slipway_epoll_create()
        guard poll >= 0 else { throw LoopError(operation: "epoll_create1", number: errno) }
        wakeDescriptor = slipway_eventfd()
        readBuffer = .allocate(byteCount: 256 * 1024, alignment: 64)
        guard wakeDescriptor >= 0,
            slipway_epoll_control(poll, EPOLL_CTL_ADD, wakeDescriptor, SLIPWAY_EPOLLIN | SLIPWAY_EPOLLET, .max) == 0
        else {
            let number = errno
            close(poll)
            throw LoopError(operation: "eventfd", number: number)
        }
        serial.loop = self
    }

    deinit {
        close(wakeDescriptor)
        close(poll)
        readBuffer.deallocate()
    }

    /// True on the loop's own thread.
    @inline(__always) public var isCurrent: Bool { threadID.load(ordering: .relaxed) == UInt(pthread_self()) }

    /// The loop whose thread this is, if any.
    public static var current: EventLoop? {
        guard let pointer = pthread_getspecific(currentKey) else { return nil }
        return Unmanaged<EventLoop>.fromOpaque(pointer).takeUnretainedValue()
    }
    static let currentKey: pthread_key_t = {
        var key = pthread_key_t()
        pthread_key_create(&key, nil)
        return key
    }()

    /// Runs `body` on the loop's thread in a coming turn. A stopped loop has no thread any more: `body` then runs on the
    /// caller's, so that nobody waits for ever.
    public func execute(_ body: @escaping @Sendable () -> Void) {
        let isStopped = remote.withLock {
            if !$0.isStopped { $0.bodies.append(body) }
            return $0.isStopped
        }
        if isStopped { body() } else { wake() }
    }

    /// Runs `body` at once where this is the loop's thread, and hands it over otherwise.
    public func run(_ body: @escaping @Sendable () -> Void) {
        if isCurrent { body() } else { execute(body) }
    }

    /// Runs `body` on the loop's thread and returns what it returned.
    public func submit<Result: Sendable>(_ body: @escaping @Sendable () throws -> Result) async throws -> Result {
        if isCurrent { return try body() }
        return try await withCheckedThrowingContinuation { continuation in
            execute { continuation.resume(with: Swift.Result { try body() }) }
        }
    }

    @inline(__always) func wake() {
        if !wakePending.exchange(true, ordering: .acquiringAndReleasing) {
            var one: UInt64 = 1
            _ = Glibc.write(wakeDescriptor, &one, 8)
        }
    }
}

/// A system call that failed.
public struct LoopError: Error, CustomStringConvertible {
    public let operation: String
    public let number: Int32

    public init(operation: String, number: Int32) {
        self.operation = operation
        self.number = number
    }

    public var description: String { "\(operation): \(String(cString: strerror(number)))" }
}
