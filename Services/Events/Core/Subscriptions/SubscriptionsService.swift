public import Contracts
public import RPC
import ResourceKit

/// `slipway.events.v1.Subscriptions` for callers: each in the workspace of its call, which the access interceptor found.
public struct SubscriptionsService: Slipway.Events.V1.Subscriptions.SimpleService {
    private let store: SubscriptionStore

    public init(_ store: SubscriptionStore) { self.store = store }

    public func createSubscription(
        _ request: Slipway.Events.V1.CreateSubscriptionRequest, context: ServerContext
    ) async throws -> Slipway.Events.V1.CreatedSubscription {
        try await store.create(request, by: change(request.reason, context))
    }

    public func getSubscription(
        _ request: Slipway.Events.V1.GetSubscriptionRequest, context: ServerContext
    ) async throws -> Slipway.Events.V1.Subscription {
        try await store.find(request.name, in: context.workspace).message
    }

    public func listSubscriptions(
        _ request: Slipway.Events.V1.ListSubscriptionsRequest, context: ServerContext
    ) async throws -> Slipway.Events.V1.ListSubscriptionsResponse {
        try await store.list(request, in: context.workspace)
    }

    public func updateSubscription(
        _ request: Slipway.Events.V1.UpdateSubscriptionRequest, context: ServerContext
    ) async throws -> Slipway.Events.V1.Subscription {
        try await store.update(request, by: change(request.reason, context))
    }

    public func deleteSubscription(
        _ request: Slipway.Events.V1.DeleteSubscriptionRequest, context: ServerContext
    ) async throws -> Slipway.Events.V1.DeleteSubscriptionResponse {
        try await store.delete(request, by: change(request.reason, context))
        return Slipway.Events.V1.DeleteSubscriptionResponse()
    }

    public func rotateSecret(
        _ request: Slipway.Events.V1.RotateSecretRequest, context: ServerContext
    ) async throws -> Slipway.Events.V1.CreatedSubscription {
        try await store.rotate(request, by: change(request.reason, context))
    }

    public func testFilter(
        _ request: Slipway.Events.V1.TestFilterRequest, context: ServerContext
    ) async throws -> Slipway.Events.V1.TestFilterResponse {
        try await store.testFilter(request, in: context.workspace)
    }

    public func testSubscription(
        _ request: Slipway.Events.V1.TestSubscriptionRequest, context: ServerContext
    ) async throws -> Slipway.Events.V1.Delivery {
        try await store.test(request, by: change("", context))
    }

    public func pause(
        _ request: Slipway.Events.V1.PauseRequest, context: ServerContext
    ) async throws -> Slipway.Events.V1.Subscription {
        try await store.pause(request, by: change(request.reason, context))
    }

    public func resume(
        _ request: Slipway.Events.V1.ResumeRequest, context: ServerContext
    ) async throws -> Slipway.Events.V1.Subscription {
        try await store.resume(request, by: change(request.reason, context))
    }

    public func replay(
        _ request: Slipway.Events.V1.ReplayRequest, context: ServerContext
    ) async throws -> Slipway.Events.V1.Subscription {
        try await store.replay(request, by: change(request.reason, context))
    }

    public func redeliver(
        _ request: Slipway.Events.V1.RedeliverRequest, context: ServerContext
    ) async throws -> Slipway.Events.V1.RedeliverResponse {
        var response = Slipway.Events.V1.RedeliverResponse()
        response.events = try await store.redeliver(request, by: change(request.reason, context))
        return response
    }

    public func listDeadLetters(
        _ request: Slipway.Events.V1.ListDeadLettersRequest, context: ServerContext
    ) async throws -> Slipway.Events.V1.ListDeadLettersResponse {
        try await store.deadLetters(request, in: context.workspace)
    }

    public func listDeliveries(
        _ request: Slipway.Events.V1.ListDeliveriesRequest, context: ServerContext
    ) async throws -> Slipway.Events.V1.ListDeliveriesResponse {
        try await store.deliveries(request, in: context.workspace)
    }

    private func change(_ reason: String, _ context: ServerContext) throws(RPCError) -> WorkspaceChange {
        var violations = FieldViolations()
        violations.check(reason: reason)
        try violations.check()
        return try context.change(reason)
    }
}
