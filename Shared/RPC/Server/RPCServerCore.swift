import Protobuf
import Synchronization

/// What calls of one server share.
@usableFromInline
final class RPCServerCore: Sendable {
    @usableFromInline let registry: TypeRegistry
    let budget: ByteBudget
    private let retryDelay: Duration
    private let interceptors: [any ServerInterceptor]
    private let running = Atomic<Int>(0)
    private let ever = Atomic<Int>(0)

    init(_ configuration: RPCServerConfiguration, interceptors: [any ServerInterceptor]) {
        registry = TypeRegistry(configuration.files)
        budget = ByteBudget(limit: configuration.bufferedBytes)
        retryDelay = configuration.retryDelay
        self.interceptors = interceptors
    }

    var budgetExhausted: RPCError {
        .retryLater(
            .resourceExhausted,
            "the large messages under way to this server take \(budget.limit) bytes already (setting bufferedBytes); "
                + "try again later", after: retryDelay)
    }

    var callsInFlight: Int { running.load(ordering: .relaxed) }
    var callsEver: Int { ever.load(ordering: .relaxed) }

    func callStarted() {
        running.add(1, ordering: .relaxed)
        ever.add(1, ordering: .relaxed)
    }

    func callEnded() { running.subtract(1, ordering: .relaxed) }

    var hasInterceptors: Bool { !interceptors.isEmpty }

    /// Runs the handler behind the interceptors.
    func run(_ call: ServerCall) async throws { try await run(call, from: 0) }

    private func run(_ call: ServerCall, from index: Int) async throws {
        guard index < interceptors.count else { return try await call.handler.run(call) }
        try await interceptors[index].intercept(call.context) { _ in try await self.run(call, from: index + 1) }
    }
}
