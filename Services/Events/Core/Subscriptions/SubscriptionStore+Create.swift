import Contracts
import Journal
import Postgres
import RPC
import ResourceKit
import ServiceKit

extension SubscriptionStore {
    func create(
        _ request: Slipway.Events.V1.CreateSubscriptionRequest, by change: WorkspaceChange
    ) async throws -> Slipway.Events.V1.CreatedSubscription {
        let given = request.subscription ?? Slipway.Events.V1.Subscription()
        var violations = FieldViolations()
        SubscriptionInput.check(name: given.name, &violations)
        if given.description.utf8.count > 4096 {
            violations.add("subscription.description", "it has 4,096 bytes at most")
        }
        let concurrency = SubscriptionInput.concurrency(given.concurrency, "subscription.concurrency", &violations)
        let (attempts, age) = SubscriptionInput.limit(given.retry, "subscription.retry", &violations)
        SubscriptionInput.check(given.destination, "subscription.destination", &violations)
        try violations.check()
        try SubscriptionInput.check(filter: given.filter, field: "subscription.filter", filters)
        let cursor = try await start(after: request.after, since: request.since)
        guard let destination = given.destination else {
            throw RPCError.badRequest(field: "subscription.destination", "a webhook or a file is needed")
        }
        let prepared = try await prepare(
            destination, field: "subscription.destination", withoutValidation: request.withoutValidation, in: change)
        let subscription: Slipway.Events.V1.Subscription
        do {
            subscription = try await pool.transaction { transaction in
                let rows = try await transaction.query(
                    """
                    INSERT INTO events.subscriptions (workspace, workspace_name, name, description, filter, destination,
                        secret, ordered, concurrency, attempts, age_seconds, created_by)
                    VALUES (\(change.workspaceID), \(change.workspace.name), \(given.name), \(given.description),
                        \(given.filter), \(prepared.destination.serialized()), \(prepared.secretName), \(given.ordered),
                        \(concurrency), \(attempts), \(age), \(change.actor))
                    ON CONFLICT (workspace, name) DO NOTHING RETURNING id, shard
                    """
                ).all((Int64, Int32).self)
                guard let (id, shard) = rows.first else {
                    throw RPCError(
                        .alreadyExists,
                        "there is a subscription \(given.name) in the workspace \(change.workspace.name) already")
                }
                try await transaction.execute(
                    """
                    INSERT INTO events.progress (subscription, cursor_transaction, cursor_id)
                    VALUES (\(id), \(Int64(bitPattern: cursor.transaction)), \(cursor.id))
                    """)
                let made = try await find(given.name, in: change.workspace, transaction).message
                try await Journal.append(
                    change.journalEntry(
                        "subscription.create", "subscriptions/\(given.name)", after: SubscriptionStore.json(made)),
                    in: transaction)
                try await SubscriptionStore.tell(shard, in: transaction)
                return made
            }
        } catch {
            await forget(prepared.secretName, in: change)
            throw error
        }
        var answer = Slipway.Events.V1.CreatedSubscription()
        answer.subscription = subscription
        answer.secret = prepared.secrets.signing.first?.secret.reveal() ?? ""
        return answer
    }

    /// A destination that was looked at and asked for its consent, with its secrets put away.
    struct PreparedDestination: Sendable {
        var destination: Slipway.Events.V1.Destination
        var secrets: SubscriptionSecrets
        var secretName: String
    }

    /// - Parameter known: the secrets that the subscription has already.
    func prepare(
        _ given: Slipway.Events.V1.Destination, field: String, known: SubscriptionSecrets? = nil,
        validated: Slipway.Events.V1.Webhook? = nil, withoutValidation: Bool, in change: WorkspaceChange
    ) async throws -> PreparedDestination {
        var destination = given
        var secrets = SubscriptionSecrets()
        do {
            try await sender.check(destination)
            if case .webhook(var webhook) = destination.kind {
                secrets.signing = known?.signing ?? [.init(secret: SubscriptionSecrets.newSigningSecret())]
                for (name, value) in webhook.headers {
                    secrets.headers[name] = value.isEmpty ? known?.headers[name] : Secret(value)
                }
                for name in webhook.headers.keys { webhook.headers[name] = "" }
                if webhook.mode == .unspecified { webhook.mode = .structured }
                webhook.validatedBy = ""
                webhook.ratePerMinute = 0
                if let validated, validated.url == webhook.url {
                    webhook.validatedBy = validated.validatedBy
                    webhook.ratePerMinute = validated.ratePerMinute
                } else if withoutValidation {
                    guard allowsUnvalidated else {
                        throw Refusal.precondition(
                            "the settings of the service do not allow receivers without their consent",
                            [.init(type: "SETTING", subject: "unvalidated", description: "it is off")])
                    }
                } else {
                    destination.kind = .webhook(webhook)
                    let consent = try await sender.validate(
                        DestinationSpecification(
                            destination, headers: secrets.headers.sorted { $0.key < $1.key }.map { ($0.key, $0.value) },
                            signingSecrets: secrets.current(.now)))
                    webhook.validatedBy = consent.validatedBy
                    webhook.ratePerMinute = Int32(clamping: consent.ratePerMinute)
                }
                destination.kind = .webhook(webhook)
            }
        } catch let error as DestinationError {
            throw SubscriptionStore.refusal(error, field)
        }
        let name = secrets.isEmpty ? "" : SubscriptionSecrets.newName()
        if !name.isEmpty {
            try await self.secrets.set(name, secrets.text, in: change.workspace, by: change.actor)
        }
        return PreparedDestination(destination: destination, secrets: secrets, secretName: name)
    }

    /// A secret that no row names any more. One that stays, because we were killed here, does no harm.
    func forget(_ secret: String, in change: WorkspaceChange) async {
        guard !secret.isEmpty else { return }
        try? await secrets.remove(secret, in: change.workspace, by: change.actor)
    }

    static func refusal(_ error: DestinationError, _ field: String) -> RPCError {
        switch error.reason {
        case .invalid: .badRequest(field: "\(field).\(error.field)", error.message)
        case .forbidden, .refused:
            Refusal.precondition(
                error.message,
                [
                    .init(
                        type: error.reason == .refused ? "CONSENT" : "DESTINATION",
                        subject: "\(field).\(error.field)", description: error.message)
                ])
        }
    }
}
