import Glibc
public import Loop
import Synchronization

/// Keeps the models that a source states in service: loads them, swaps them while they are in use, unloads them.
///
/// Every function may be called on any thread or loop. Nothing is loaded before `run`.
public final class ModelManager: Sendable {
    public struct Configuration: Sendable {
        public enum Control: String, Sendable, CaseIterable {
            /// All that the source has is served, and callers may load and unload.
            case all
            /// The source alone decides; callers' loads and unloads are refused.
            case source
            /// Only what callers load is served.
            case explicit
        }

        public var control = Control.all
        /// Loads at once.
        public var loadsMax = 2

        public init() {}
    }

    /// What happens, for logs and metrics. Told on any thread, one after another.
    public enum Event: Sendable {
        case changed(VersionStatus)
        /// The source could not be read; what is served stays.
        case sourceFailed(ServingError)
    }

    struct Demand: Sendable {
        var count = 0
        var options: [String: String] = [:]
        var isExcluded = false
    }

    /// Somebody who waits for the manager to get somewhere.
    struct Waiter: Sendable {
        var check: @Sendable (State) -> Result<Void, ServingError>?
        var continuation: CheckedContinuation<Result<Void, ServingError>, Never>
    }

    struct State: Sendable {
        var found: [DesiredVersion] = []
        var hasScanned = false
        var isStopping = false
        var demands: [String: Demand] = [:]
        var records: [VersionRecord] = []
        var errors: [Int: ServingError] = [:]
        var served: [Int: ServedVersion] = [:]
        var timers: [Int: CallTimer] = [:]
        var lastNumber = 0
        var waiters: [Waiter] = []
        /// What was told of the source last, so that each fault is told once.
        var sourceFault: ServingError?
    }

    /// Records of what is gone are kept for listings, and only so many.
    static let goneMax = 200

    let configuration: Configuration
    let source: any ModelSource
    let loader: VersionLoader
    let catalogue: Catalogue
    let home: EventLoop
    let files: ComputePool
    let state = Lock(State())
    let onEvent: @Sendable (Event) -> Void
    /// From the loops' clock to the time since 1970.
    let wallOffset: Int64

    /// - Parameters:
    ///   - adapters: what is there to load models with.
    ///   - pool: executes what is too long for an event loop.
    ///   - files: reads the source's files; not `pool`, where a long execution would hold it up.
    ///   - trial: nothing: models are loaded here at once.
    public init(
        _ configuration: Configuration = Configuration(), source: any ModelSource,
        adapters: AdapterDirectory, loops: [EventLoop], pool: ComputePool, files: ComputePool,
        trial: ModelTrial? = nil,
        onEvent: @escaping @Sendable (Event) -> Void = { _ in }
    ) {
        precondition(!loops.isEmpty, "a manager needs an event loop")
        self.configuration = configuration
        self.source = source
        home = loops[0]
        loader = VersionLoader(
            adapters: adapters, trial: trial, pool: pool, home: loops[0], loopCount: loops.count)
        catalogue = Catalogue(loops: loops)
        self.files = files
        self.onEvent = onEvent
        var wall = timespec()
        clock_gettime(CLOCK_REALTIME, &wall)
        wallOffset = Int64(wall.tv_sec) * 1_000_000_000 + Int64(wall.tv_nsec) - loops[0].clock.now.nanoseconds
    }

    /// Serves what the source has, and follows its changes, until the task is cancelled.
    /// - Parameter onScanned: called when the source was read the first time and its models have begun to load.
    /// - Throws: `CancellationError`, or where the source cannot be read the first time.
    public func run(onScanned: @Sendable () -> Void = {}) async throws {
        try await refresh()
        onScanned()
        guard let interval = source.interval else { return try await home.sleep(for: .seconds(1 << 30)) }
        while true {
            try await home.sleep(for: interval)
            do { try await refresh() } catch let error as ServingError {
                let isNew = state.withLock { state in
                    defer { state.sourceFault = error }
                    return state.sourceFault != error
                }
                if isNew { onEvent(.sourceFailed(error)) }
            }
        }
    }

    /// Reads the source again and begins whatever follows from it.
    public func refresh() async throws {
        let source = source
        let found = try await files.run { try source.scan() }
        state.withLock { state in
            state.found = found
            state.hasScanned = true
            state.sourceFault = nil
        }
        reconcile()
    }

    /// Unloads everything, after the requests under way, and loads nothing any more.
    public func stop() async {
        state.withLock { $0.isStopping = true }
        reconcile()
        _ = await wait { state in state.served.isEmpty ? .success(()) : nil }
    }

    /// Waits until nothing loads or unloads.
    public func settle() async {
        _ = await wait { state in
            let isMoving = state.records.contains { $0.state != .ready && $0.state != .failed && $0.state != .gone }
            return isMoving ? nil : .success(())
        }
    }

    /// Waits until `check` says something.
    func wait(
        _ check: @escaping @Sendable (State) -> Result<Void, ServingError>?
    ) async -> Result<Void, ServingError> {
        await withCheckedContinuation { continuation in
            let result = state.withLock { state -> Result<Void, ServingError>? in
                if let result = check(state) { return result }
                state.waiters.append(Waiter(check: check, continuation: continuation))
                return nil
            }
            if let result { continuation.resume(returning: result) }
        }
    }
}
