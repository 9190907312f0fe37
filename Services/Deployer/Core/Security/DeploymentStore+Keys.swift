package import Contracts
internal import Postgres
internal import Protobuf
internal import RPC
internal import ResourceKit

extension DeploymentStore {
    /// The longest that a token counts, and how long it does where nobody says.
    static let tokenLifetimeMax = Swift.Duration.seconds(365 * 86_400)
    static let tokenLifetime = Swift.Duration.seconds(3600)

    /// The two keys. That they were read, and by whom, is written down.
    /// - Throws: `RPCError`: `invalidArgument`, `notFound`.
    package func readKeys(_ name: String, by change: DeploymentChange) async throws -> V1.EndpointKeys {
        _ = try await record(name, in: change.workspace)
        return try await pool.transaction { transaction in
            let record = try await lock(name, in: change.workspace, transaction)
            let keys = try await keys(of: record.id, transaction)
            try await transaction.execute(change.journal("keys-read", name, "its keys were read"))
            return keys
        }
    }

    /// Makes one of the two anew. Its route is written in the same transaction: routers know both the other key and the new
    /// one from then on.
    /// - Throws: `RPCError`: `invalidArgument`, `notFound`.
    package func regenerateKey(
        _ request: V1.RegenerateKeyRequest, by change: DeploymentChange
    ) async throws -> V1.EndpointKeys {
        let kind: EndpointKey.Kind
        switch request.key {
        case .primary: kind = .primary
        case .secondary: kind = .secondary
        default: throw RPCError.badRequest(field: "key", "say which of the two: PRIMARY or SECONDARY")
        }
        var answer = V1.EndpointKeys()
        _ = try await self.change(request.name, by: change) { before, transaction in
            _ = try await transaction.pipeline(
                try EndpointKey(kind).statements(for: before.id, box, by: change.actor))
            answer = try await keys(of: before.id, transaction)
            return [
                change.journal(
                    "key-regenerated", request.name, "the \(kind.rawValue) key was made anew",
                    [("key", RowJSON.text(kind.rawValue))])
            ]
        }
        return answer
    }

    /// Makes a token that opens the endpoint for a while.
    /// - Throws: `RPCError`: `invalidArgument`; `notFound`; `resourceExhausted` where there are too many.
    package func issueToken(
        _ request: V1.IssueEndpointTokenRequest, by change: DeploymentChange
    ) async throws -> V1.IssuedToken {
        var violations = FieldViolations()
        let lifetime = violations.checked(
            request.lifetime, "lifetime", in: .seconds(1)...DeploymentStore.tokenLifetimeMax,
            usually: DeploymentStore.tokenLifetime)
        try violations.check()
        let seconds = Double(lifetime.seconds) + Double(lifetime.nanos) / 1e9
        let token = EndpointKey(.token)
        var answer = V1.IssuedToken(token: token.text)
        _ = try await self.change(request.name, by: change) { before, transaction in
            let counts = try await transaction.pipeline([
                "DELETE FROM deployments.endpoint_keys WHERE deployment = \(before.id) AND until <= now()",
                """
                SELECT count(*) FROM deployments.endpoint_keys WHERE deployment = \(before.id) AND kind = 'token'
                """,
            ])
            guard try counts.last?.all(Int.self).first ?? 0 < limits.tokens else {
                throw RPCError(
                    .resourceExhausted,
                    "the deployment has \(limits.tokens) tokens that have not ended, the deployer's setting "
                        + "`limits.tokens`")
            }
            _ = try await transaction.pipeline(
                try token.statements(for: before.id, box, by: change.actor, until: seconds))
            let made = try await transaction.query(
                """
                SELECT id, until FROM deployments.endpoint_keys
                WHERE deployment = \(before.id) AND kind = 'token' ORDER BY id DESC LIMIT 1
                """
            ).all((Int64, PostgresTimestamp).self)
            guard let (number, until) = made.first else {
                throw RPCError(.internal, "a token was written and is not there")
            }
            answer.until = Google.Protobuf.Timestamp(until)
            return [
                change.journal(
                    "token-issued", request.name, "the token \(number) opens the endpoint for \(Int64(seconds)) s",
                    [("token", "\(number)"), ("seconds", "\(Int64(seconds))")])
            ]
        }
        return answer
    }

    private func keys(of deployment: Int64, _ transaction: PostgresTransaction) async throws -> V1.EndpointKeys {
        let rows = try await transaction.query(
            """
            SELECT kind, sealed, created FROM deployments.endpoint_keys
            WHERE deployment = \(deployment) AND kind <> 'token' AND sealed IS NOT NULL
            """
        ).all((String, [UInt8], PostgresTimestamp).self)
        var keys = V1.EndpointKeys()
        for (word, sealed, created) in rows {
            guard let kind = EndpointKey.Kind(rawValue: word) else { continue }
            let text = try EndpointKey.open(sealed, kind, of: deployment, box)
            switch kind {
            case .primary: (keys.primary, keys.primarySince) = (text, .init(created))
            case .secondary: (keys.secondary, keys.secondarySince) = (text, .init(created))
            case .token: continue
            }
        }
        return keys
    }
}
