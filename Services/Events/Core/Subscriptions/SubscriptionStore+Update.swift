import Contracts
import Postgres
import Protobuf
import RPC
import ResourceKit
import ServiceKit

extension SubscriptionStore {
    func update(
        _ request: Slipway.Events.V1.UpdateSubscriptionRequest, by change: WorkspaceChange
    ) async throws -> Slipway.Events.V1.Subscription {
        let before = try await find(request.name, in: change.workspace)
        let known = try await secretsOf(before, in: change)
        var violations = FieldViolations()
        if let text = request.description, text.utf8.count > 4096 {
            violations.add("description", "it has 4,096 bytes at most")
        }
        let concurrency = request.concurrency.map {
            SubscriptionInput.concurrency($0, "concurrency", &violations)
        }
        let limit = request.retry.map { SubscriptionInput.limit($0, "retry", &violations) }
        if let destination = request.destination {
            SubscriptionInput.check(destination, "destination", keeping: Set(known.headers.keys), &violations)
        }
        try violations.check()
        if let filter = request.filter { try SubscriptionInput.check(filter: filter, field: "filter", filters) }
        try SubscriptionStore.check(request.expectedRevision, before)

        var prepared: PreparedDestination?
        if let destination = request.destination {
            var validated: Slipway.Events.V1.Webhook?
            if case .webhook(let webhook) = before.message.destination?.kind { validated = webhook }
            prepared = try await prepare(
                destination, field: "destination", known: known.isEmpty ? nil : known, validated: validated,
                withoutValidation: false, in: change)
        }
        do {
            let after = try await self.change(request.name, "update", by: change) { [prepared] row, transaction in
                try SubscriptionStore.check(request.expectedRevision, row)
                // The secrets were read before: somebody may have rotated them since.
                guard prepared == nil || row.message.revision == before.message.revision else {
                    throw RPCError(.aborted, "the subscription was changed at the same time: try again")
                }
                var settings: PostgresQuery = "name = name"
                if let value = request.description { settings = "\(settings), description = \(value)" }
                if let value = request.filter { settings = "\(settings), filter = \(value)" }
                if let value = request.ordered {
                    settings = "\(settings), ordered = \(value)"
                    if value != row.message.ordered { try await reorder(row, in: transaction) }
                }
                if let value = concurrency { settings = "\(settings), concurrency = \(value)" }
                if let (attempts, age) = limit {
                    settings = "\(settings), attempts = \(attempts), age_seconds = \(age)"
                }
                if let prepared {
                    settings = """
                        \(settings), destination = \(prepared.destination.serialized()), secret = \(prepared.secretName)
                        """
                }
                return settings
            }
            if prepared != nil { await forget(before.secret, in: change) }
            return after
        } catch {
            if let prepared { await forget(prepared.secretName, in: change) }
            throw error
        }
    }

    /// Lets go what waited behind others of its subject, and has the relay forget what it was about to let wait.
    private func reorder(_ row: SubscriptionRow, in transaction: PostgresTransaction) async throws {
        try await transaction.execute(
            "UPDATE events.progress SET epoch = epoch + 1 WHERE subscription = \(row.id)")
        try await transaction.execute(
            """
            UPDATE events.waiting SET subject = '', due = CASE WHEN due = 'infinity' THEN now() ELSE due END
            WHERE subscription = \(row.id)
            """)
    }

    func rotate(
        _ request: Slipway.Events.V1.RotateSecretRequest, by change: WorkspaceChange
    ) async throws -> Slipway.Events.V1.CreatedSubscription {
        let overlap = request.overlap?.seconds ?? 86_400
        guard (0...7 * 86_400).contains(overlap) else {
            throw RPCError.badRequest(field: "overlap", "it is 0 to 7 days")
        }
        let before = try await find(request.name, in: change.workspace)
        guard case .webhook = before.message.destination?.kind else {
            throw RPCError(.failedPrecondition, "deliveries of \(request.name) are not signed: it has no webhook")
        }
        var secrets = try await secretsOf(before, in: change)
        let now = PostgresTimestamp.now
        let end = PostgresTimestamp(microseconds: now.microseconds + overlap * 1_000_000)
        var old = secrets.signing.filter { $0.until.map { $0 > now } ?? true }
        for index in old.indices { old[index].until = min(old[index].until ?? end, end) }
        let fresh = SubscriptionSecrets.newSigningSecret()
        // A receiver has to try each of them.
        secrets.signing = [.init(secret: fresh)] + (overlap == 0 ? [] : Array(old.prefix(3)))
        let name = SubscriptionSecrets.newName()
        try await self.secrets.set(name, secrets.text, in: change.workspace, by: change.actor)
        var answer = Slipway.Events.V1.CreatedSubscription()
        do {
            answer.subscription = try await self.change(request.name, "rotate-secret", by: change) { row, _ in
                guard row.message.revision == before.message.revision else {
                    throw RPCError(.aborted, "the subscription was changed at the same time: try again")
                }
                return "secret = \(name)"
            }
        } catch {
            await forget(name, in: change)
            throw error
        }
        await forget(before.secret, in: change)
        answer.secret = fresh.reveal()
        return answer
    }

    func secretsOf(_ row: SubscriptionRow, in change: WorkspaceChange) async throws -> SubscriptionSecrets {
        guard !row.secret.isEmpty else { return SubscriptionSecrets() }
        return SubscriptionSecrets(try await secrets.get(row.secret, in: change.workspace))
    }

    private static func check(_ expected: Int64?, _ row: SubscriptionRow) throws(RPCError) {
        guard let expected, expected != row.message.revision else { return }
        throw Refusal.changed("the subscription", expected: expected, found: row.message.revision)
    }
}
