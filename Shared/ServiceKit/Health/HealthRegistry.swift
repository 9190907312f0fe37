import Loop
import RPC

/// Whether this process can do its work, by the word of its parts. It is ready when every part says so; a part that has
/// said nothing yet is not.
public final class HealthRegistry: Sendable {
    /// What is wrong with a part; nil where it is ready.
    public typealias Reason = String

    private struct State {
        var reasons: [String: Reason?] = [:]
        var isStopping = false
        var watchers: [@Sendable (Bool) -> Void] = []
        var stopWatchers: [@Sendable () -> Void] = []
        var wasReady = false
    }
    private let state = Lock(State())

    public init() {}

    /// A part that says itself how it is. Not ready until it says so.
    public func part(_ name: String) -> HealthPart {
        set(name, "has not started yet")
        return HealthPart(name: name, registry: self)
    }

    /// From now on the process is not ready, whatever its parts say: callers should go elsewhere before it stops.
    public func stopServing() {
        change { $0.isStopping = true }
        let watchers = state.withLock { state in
            defer { state.stopWatchers = [] }
            return state.stopWatchers
        }
        for watcher in watchers { watcher() }
    }

    func set(_ name: String, _ reason: Reason?) { change { $0.reasons[name] = .some(reason) } }

    private func change(_ body: (inout State) -> Void) {
        // Told under the lock, so that watchers hear changes in the order in which they happened.
        state.withLock { state in
            body(&state)
            let isReady = HealthRegistry.isReady(state)
            guard isReady != state.wasReady else { return }
            state.wasReady = isReady
            for watcher in state.watchers { watcher(isReady) }
        }
    }

    private static func isReady(_ state: State) -> Bool {
        !state.isStopping && state.reasons.values.allSatisfy { $0 == nil } && !state.reasons.isEmpty
    }

    /// Calls `watcher` now and at each change. It must be quick and must not ask this registry anything.
    public func onChange(_ watcher: @escaping @Sendable (Bool) -> Void) {
        state.withLock { state in
            state.watchers.append(watcher)
            watcher(HealthRegistry.isReady(state))
        }
    }

    /// Calls `watcher` when `stopServing` is called, or now where it was.
    private func onStop(_ watcher: @escaping @Sendable () -> Void) {
        let isStopping = state.withLock { state in
            if !state.isStopping { state.stopWatchers.append(watcher) }
            return state.isStopping
        }
        if isStopping { watcher() }
    }

    /// Makes the gRPC health service say the same, for the server and the services named, and stop with this one.
    public func drive(_ service: HealthService, for services: [String] = []) {
        onChange { isReady in
            for name in [""] + services { service.set(isReady ? .serving : .notServing, for: name) }
        }
        onStop { service.stopServing() }
    }

    public var readiness: Readiness {
        state.withLock { state in
            var parts = state.reasons.map { Readiness.Part(name: $0.key, reason: $0.value) }.sorted {
                $0.name < $1.name
            }
            if state.isStopping { parts.insert(.init(name: "process", reason: "is stopping"), at: 0) }
            if parts.isEmpty { parts = [.init(name: "process", reason: "no part has registered yet")] }
            return Readiness(isReady: HealthRegistry.isReady(state), parts: parts)
        }
    }
}

/// What `/readyz` says.
public struct Readiness: Sendable, Equatable {
    public struct Part: Sendable, Equatable {
        public var name: String
        /// Why it is not ready; nil where it is.
        public var reason: String?
    }
    public var isReady: Bool
    public var parts: [Part]

    var json: String {
        let parts = parts.map { part in
            let reason = part.reason.map { ",\"reason\":\(JSONText.quoted($0))" } ?? ""
            return "{\"name\":\(JSONText.quoted(part.name)),\"ready\":\(part.reason == nil)\(reason)}"
        }
        return "{\"ready\":\(isReady),\"parts\":[\(parts.joined(separator: ","))]}\n"
    }
}

/// One part's say. Usable from any thread.
public struct HealthPart: Sendable {
    public let name: String
    let registry: HealthRegistry

    public func ready() { registry.set(name, nil) }

    /// - Parameter reason: for a person, and readable by everyone who can reach the port: no secrets.
    public func notReady(_ reason: String) { registry.set(name, reason) }
}

/// Asks a part again and again how it is. What does not answer in time is not ready at that moment, not when it answers
/// at last.
public struct HealthCheck: Service {
    public var serviceName: String { "health check of \(part.name)" }
    private let part: HealthPart
    private let loop: EventLoop
    private let interval: Duration
    private let timeout: Duration
    private let check: @Sendable () async throws -> String?

    /// - Parameter check: returns why the part is not ready, or nil. What it throws is not shown, because it may hold
    ///   anything; it should return a reason instead.
    public init(
        _ name: String, in registry: HealthRegistry, loop: EventLoop, every interval: Duration = .seconds(5),
        timeout: Duration = .seconds(2), _ check: @escaping @Sendable () async throws -> String?
    ) {
        part = registry.part(name)
        self.loop = loop
        self.interval = interval
        self.timeout = timeout
        self.check = check
    }

    public func run() async throws {
        let stop = StopSignal.current ?? StopSignal()
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await stop.wait() }
            group.addTask {
                while true {
                    await once()
                    try await loop.sleep(for: interval)
                }
            }
            defer { group.cancelAll() }
            try await group.next()
        }
    }

    private func once() async {
        await withTaskGroup(of: Void.self) { group in
            group.addTask {
                guard (try? await loop.sleep(for: timeout)) != nil else { return }
                part.notReady("gave no answer within \(timeout)")
            }
            group.addTask {
                do {
                    if let reason = try await check() { part.notReady(reason) } else { part.ready() }
                } catch {
                    part.notReady("the check failed")
                }
            }
            await group.next()
            group.cancelAll()
        }
    }
}
