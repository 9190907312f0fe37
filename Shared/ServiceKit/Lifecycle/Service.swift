import Loop

/// Something long-lived: a server, a worker, a connection to somewhere. Nothing starts in its `init`; returning from `run`
/// means that it stopped.
public protocol Service: Sendable {
    /// For logs and errors.
    var serviceName: String { get }

    /// How long it may take until it calls `StopSignal.started()`; the next service of the group starts only then. A
    /// service that counts as started at once says nil.
    var startTimeout: Duration? { get }

    /// What it means when `run` returns though nobody asked it to stop.
    var whenEnded: ServiceEnd { get }

    /// Runs until the work is done, or until `StopSignal.current` asks it to stop, and stops at once when its task is
    /// cancelled.
    /// - Throws: what made it fail; its group stops then.
    func run() async throws
}

extension Service {
    public var startTimeout: Duration? { nil }
    public var whenEnded: ServiceEnd { .stopsGroup }
}

/// What the end of a service means to the others.
public enum ServiceEnd: Sendable {
    case stopsGroup
    /// A task that is done when it is done.
    case isFine
}

/// The wish that a service stops in order: it finishes what is under way, takes on nothing new, and returns. What a group
/// gives each of its services, found as `StopSignal.current` in the service's tasks.
public final class StopSignal: Sendable {
    @TaskLocal public static var current: StopSignal?

    private struct State {
        var isRequested = false
        var waiting: [Int: @Sendable () -> Void] = [:]
        var next = 0
    }
    private let state = Lock(State())
    private let onStarted: @Sendable () -> Void

    /// - Parameter onStarted: called when the service says that it is ready for the next one to start.
    public init(onStarted: @escaping @Sendable () -> Void = {}) { self.onStarted = onStarted }

    public var isRequested: Bool { state.withLock { $0.isRequested } }

    /// Asks; nothing happens the second time.
    public func request() {
        let waiting = state.withLock { state in
            state.isRequested = true
            defer { state.waiting = [:] }
            return state.waiting.values
        }
        for body in waiting { body() }
    }

    /// The service that runs here has started: what depends on it may start too.
    public static func started() { current?.onStarted() }

    /// Suspends until the service is asked to stop; in a task that belongs to no group, until it is cancelled.
    /// - Throws: `CancellationError` when the task is cancelled.
    public static func wait() async throws { try await (current ?? StopSignal()).wait() }

    /// As the static function, for this signal.
    public func wait() async throws {
        let number = state.withLock { state in
            state.next += 1
            return state.next
        }
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isDue = state.withLock { state in
                    if state.isRequested || Task.isCancelled { return true }
                    state.waiting[number] = { continuation.resume() }
                    return false
                }
                if isDue { continuation.resume() }
            }
        } onCancel: {
            state.withLock { $0.waiting.removeValue(forKey: number) }?()
        }
        if !isRequested { try Task.checkCancellation() }
    }

    /// Runs `operation`; when the service is asked to stop meanwhile, `onStop` is called once, on any thread.
    public static func withHandler<Result>(
        _ operation: () async throws -> Result, onStop: @escaping @Sendable () -> Void
    ) async rethrows -> Result {
        guard let current else { return try await operation() }
        let number: Int? = current.state.withLock { state in
            if state.isRequested { return nil }
            state.next += 1
            state.waiting[state.next] = onStop
            return state.next
        }
        if number == nil { onStop() }
        defer { if let number { current.state.withLock { _ = $0.waiting.removeValue(forKey: number) } } }
        return try await operation()
    }
}

/// A service made of a closure.
public struct ClosureService: Service {
    public let serviceName: String
    public let startTimeout: Duration?
    public let whenEnded: ServiceEnd
    private let body: @Sendable () async throws -> Void

    public init(
        _ name: String, startTimeout: Duration? = nil, whenEnded: ServiceEnd = .stopsGroup,
        _ body: @escaping @Sendable () async throws -> Void
    ) {
        serviceName = name
        self.startTimeout = startTimeout
        self.whenEnded = whenEnded
        self.body = body
    }

    public func run() async throws { try await body() }
}
