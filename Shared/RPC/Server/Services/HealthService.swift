import Loop

/// `grpc.health.v1.Health`: whether the server and each of its services can take calls.
public final class HealthService: Grpc.Health.V1.Health.SimpleService {
    public typealias Status = Grpc.Health.V1.HealthCheckResponse.ServingStatus

    private struct State {
        var statuses: [String: Status] = ["": .serving]
        var version = 0
        var isStopping = false
        var waiters: [Int: CheckedContinuation<Void, Never>] = [:]
        var nextWaiter = 0
    }
    private let state = Lock(State())
    /// More is not listed: the contract says so.
    private static let listedMax = 100

    public init() {}

    /// Sets the status of a service; the empty name stands for the whole server. Watchers hear at once. Ignored after
    /// `stopServing`.
    public func set(_ status: Status, for service: String = "") {
        change { $0.statuses[service] = status }
    }

    /// Everything stops, for good: every service that is known becomes not serving, watchers hear that and their streams
    /// end, so that they do not hold a graceful stop up. To be called when such a stop begins.
    public func stopServing() {
        change { state in
            for service in state.statuses.keys { state.statuses[service] = .notServing }
            state.isStopping = true
        }
    }

    private func change(_ body: (inout State) -> Void) {
        let waiters = state.withLock { state -> [CheckedContinuation<Void, Never>] in
            guard !state.isStopping else { return [] }
            body(&state)
            state.version += 1
            defer { state.waiters = [:] }
            return Array(state.waiters.values)
        }
        for waiter in waiters { waiter.resume() }
    }

    public func check(
        _ request: Grpc.Health.V1.HealthCheckRequest, context: ServerContext
    ) async throws -> Grpc.Health.V1.HealthCheckResponse {
        guard let status = state.withLock({ $0.statuses[request.service] }) else {
            throw RPCError(.notFound, "the service \"\(request.service)\" is unknown here")
        }
        return Grpc.Health.V1.HealthCheckResponse(status)
    }

    public func list(
        _ request: Grpc.Health.V1.HealthListRequest, context: ServerContext
    ) async throws -> Grpc.Health.V1.HealthListResponse {
        let statuses = state.withLock { $0.statuses }
        guard statuses.count <= HealthService.listedMax else {
            throw RPCError(
                .resourceExhausted,
                "\(statuses.count) services are known, and a list holds at most \(HealthService.listedMax)")
        }
        var response = Grpc.Health.V1.HealthListResponse()
        response.statuses = statuses.mapValues { Grpc.Health.V1.HealthCheckResponse($0) }
        return response
    }

    public func watch(
        _ request: Grpc.Health.V1.HealthCheckRequest,
        responses: ResponseWriter<Grpc.Health.V1.HealthCheckResponse>, context: ServerContext
    ) async throws {
        var told: Status?
        while !Task.isCancelled {
            let now = state.withLock { $0 }
            let status = now.statuses[request.service] ?? .serviceUnknown
            if status != told {
                try await responses.write(Grpc.Health.V1.HealthCheckResponse(status))
                told = status
            }
            if now.isStopping { return }
            await change(after: now.version)
        }
        throw CancellationError()
    }

    /// Returns when the version is another one, or the task is cancelled.
    private func change(after version: Int) async {
        let number = state.withLock { state in
            state.nextWaiter += 1
            return state.nextWaiter
        }
        await withTaskCancellationHandler {
            await withCheckedContinuation { (continuation: CheckedContinuation<Void, Never>) in
                let isDue = state.withLock { state in
                    if state.version != version || Task.isCancelled { return true }
                    state.waiters[number] = continuation
                    return false
                }
                if isDue { continuation.resume() }
            }
        } onCancel: {
            state.withLock { $0.waiters.removeValue(forKey: number) }?.resume()
        }
    }
}

extension Grpc.Health.V1.HealthCheckResponse {
    fileprivate init(_ status: ServingStatus) {
        self.init()
        self.status = status
    }
}
