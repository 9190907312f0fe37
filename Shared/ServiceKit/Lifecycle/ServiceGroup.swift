import Glibc
import Loop

/// Starts services in order and stops them in reverse, each with a deadline: first it asks, then it cancels, and what does
/// not end even then is left behind and named. The first service that fails stops the others.
public final class ServiceGroup: Sendable {
    public struct Configuration: Sendable {
        /// How long a service may finish what is under way.
        public var grace = Duration.seconds(30)
        /// How long a cancelled service may take to end.
        public var cancelGrace = Duration.seconds(5)
        /// These stop the group: once in order, twice by cancelling, three times at once. They must be held by
        /// `ProcessSignals.hold` before any thread starts.
        public var signals: [Int32] = []
        /// Hears of each step, for a log. On the group's loop.
        public var onEvent: @Sendable (ServiceGroupEvent) -> Void = { _ in }

        public init() {}
    }

    private let services: [any Service]
    private let runner: GroupRunner

    /// - Parameter loop: keeps the deadlines, hears the signals, and is where the services' tasks prefer to run.
    public init(_ services: [any Service], loop: EventLoop, configuration: Configuration = Configuration()) {
        self.services = services
        runner = GroupRunner(services, loop: loop, configuration: configuration)
    }

    /// Runs until every service has ended. Once only. When the calling task is cancelled, so are the services.
    /// - Throws: the first error of a service, or `ServiceGroupError`.
    public func run() async throws {
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                runner.loop.run { self.runner.begin(continuation) }
            }
        } onCancel: {
            runner.loop.run { self.runner.handle(.cancel) }
        }
    }

    /// Asks the group to stop; the second time services are cancelled, the third time left behind. From any thread.
    public func stop() { runner.loop.run { self.runner.handle(.stop) } }
}

/// What happens in a group.
public enum ServiceGroupEvent: Sendable, Equatable {
    case starting(String)
    case started(String)
    case stopping(String)
    case cancelling(String)
    case ended(String, error: String?)
    case signal(Int32)
}

public enum ServiceGroupError: Error, Equatable, CustomStringConvertible {
    /// A service did not say in time that it has started.
    case startTimedOut(String)
    /// These did not end although they were cancelled. The process should exit now.
    case leftBehind([String])
    case usedTwice

    public var description: String {
        switch self {
        case .startTimedOut(let name): "\(name) did not start in time"
        case .leftBehind(let names): "\(names.joined(separator: ", ")) did not stop, not even when cancelled"
        case .usedTwice: "a group of services runs only once"
        }
    }
}

/// Performs what `GroupState` decides. Confined to its loop.
private final class GroupRunner: @unchecked Sendable {
    let loop: EventLoop
    private let services: [any Service]
    private let configuration: ServiceGroup.Configuration
    private var state: GroupState
    private var tasks: [Int: Task<Void, Never>] = [:]
    private var signals: [StopSignal] = []
    private var timers: [GroupState.Deadline: LoopTimer] = [:]
    private var failure: (any Error)?
    private var continuation: CheckedContinuation<Void, any Error>?
    private var watcher: SignalChannel?
    private var wasUsed = false
    private var isCancelled = false

    init(_ services: [any Service], loop: EventLoop, configuration: ServiceGroup.Configuration) {
        self.loop = loop
        self.services = services
        self.configuration = configuration
        state = GroupState(
            waitsForStart: services.map { $0.startTimeout != nil },
            endsGroup: services.map { $0.whenEnded == .stopsGroup })
    }

    func begin(_ continuation: CheckedContinuation<Void, any Error>) {
        guard !wasUsed else { return continuation.resume(throwing: ServiceGroupError.usedTwice) }
        wasUsed = true
        if isCancelled { return continuation.resume(throwing: CancellationError()) }
        self.continuation = continuation
        signals = services.indices.map { index in
            StopSignal(onStarted: { [self] in loop.run { self.started(index) } })
        }
        do { try watchSignals() } catch { return finish(error) }
        handle(.begin)
    }

    private func watchSignals() throws {
        guard !configuration.signals.isEmpty else { return }
        watcher = try SignalChannel(configuration.signals, loop: loop) { [unowned self] signal in
            configuration.onEvent(.signal(signal))
            handle(.stop)
        }
    }

    private func started(_ index: Int) {
        if state.phase == .starting(index) { configuration.onEvent(.started(services[index].serviceName)) }
        handle(.started(index))
    }

    func handle(_ event: GroupState.Event) {
        if event == .cancel { isCancelled = true }
        guard continuation != nil else { return }
        for action in state.handle(event) { perform(action) }
    }

    private func perform(_ action: GroupState.Action) {
        switch action {
        case .run(let index): run(index)
        case .askToStop(let index):
            configuration.onEvent(.stopping(services[index].serviceName))
            signals[index].request()
        case .cancel(let index):
            configuration.onEvent(.cancelling(services[index].serviceName))
            tasks[index]?.cancel()
        case .arm(let deadline):
            timers[deadline] = loop.schedule(after: duration(of: deadline)) { [weak self] in
                self?.timers[deadline] = nil
                self?.handle(.passed(deadline))
            }
        case .disarm(let deadline): timers.removeValue(forKey: deadline)?.cancel()
        case .finish(let left):
            let late = state.tooLate.first.map { ServiceGroupError.startTimedOut(services[$0].serviceName) }
            let behind = left.isEmpty ? nil : ServiceGroupError.leftBehind(left.map { services[$0].serviceName })
            finish(behind ?? failure ?? late ?? (isCancelled ? CancellationError() : nil))
        }
    }

    private func duration(of deadline: GroupState.Deadline) -> Duration {
        switch deadline {
        case .start(let index): services[index].startTimeout ?? .zero
        case .grace: configuration.grace
        case .cancel: configuration.cancelGrace
        }
    }

    private func run(_ index: Int) {
        let service = services[index]
        let signal = signals[index]
        configuration.onEvent(.starting(service.serviceName))
        tasks[index] = Task(executorPreference: loop) { [loop] in
            var failure: (any Error)?
            do {
                try await StopSignal.$current.withValue(signal) { try await service.run() }
            } catch { failure = error }
            let outcome = failure
            loop.run { self.ended(index, outcome) }
        }
    }

    private func ended(_ index: Int, _ error: (any Error)?) {
        tasks[index] = nil
        // Whoever was asked to stop or cancelled may end with CancellationError: that is no failure.
        let failed = error.map { !($0 is CancellationError) } ?? false
        if failed, failure == nil { failure = error }
        configuration.onEvent(.ended(services[index].serviceName, error: failed ? error.map { "\($0)" } : nil))
        handle(.ended(index, failed: failed))
    }

    private func finish(_ error: (any Error)?) {
        for timer in timers.values { timer.cancel() }
        timers = [:]
        signals = []
        if let watcher { loop.remove(watcher) }
        watcher = nil
        let continuation = self.continuation
        self.continuation = nil
        if let error { continuation?.resume(throwing: error) } else { continuation?.resume() }
    }
}
