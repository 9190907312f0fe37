package import Contracts
internal import Access
internal import Postgres
internal import Protobuf
internal import RPC
internal import ResourceKit

extension DeploymentStore {
    /// Makes a deployment with its first revision, two keys and a route. A repeated request is answered as the first.
    /// - Throws: `RPCError`: `invalidArgument` with all that is wrong; `notFound` for what there is not;
    ///   `alreadyExists` for a name or host that is taken; `failedPrecondition` for a target that can't hold a replica.
    package func create(
        _ request: V1.CreateDeploymentRequest, by change: DeploymentChange
    ) async throws -> V1.Deployment {
        var (draft, violations) = checked(request)
        try violations.check()
        if let earlier = try await earlier(request, change) { return earlier.shown(addresses) }
        let content = try await RevisionContent.find(request.content, images, for: change.acting)
        if case .image(let image) = content {
            SettingsRules.fit(&draft.settings, to: image.needs, given: request.settings, &violations)
            try violations.check()
        }
        let made: DeploymentRecord
        do {
            made = try await pool.transaction { try await insert(draft, content, request, change, $0) }
        } catch let error as PostgresError where error.code == .uniqueViolation {
            // Somebody was first with the name, the host or the request, at the same moment.
            if let earlier = try await earlier(request, change) { return earlier.shown(addresses) }
            throw taken(error, name: request.name, host: draft.security.message.host)
        }
        return made.shown(addresses)
    }

    private struct Draft {
        var settings: V1.ReplicaSettings
        var scaling: V1.Scaling
        var security: CheckedSecurity
    }

    private func checked(_ request: V1.CreateDeploymentRequest) -> (Draft, FieldViolations) {
        var violations = FieldViolations()
        violations.check(place: request.name)
        violations.check(text: request.description, "description", bytesMax: TextLimits.textBytesMax)
        violations.check(labels: request.tags, "tags")
        violations.check(reason: request.reason)
        if !request.target.isEmpty { violations.check(place: request.target, "target") }
        if !NameRules.isRequest(request.requestId) { violations.add("request_id", "it is \(NameRules.request)") }
        let draft = Draft(
            settings: SettingsRules.complete(request.settings, "settings", &violations),
            scaling: ScalingRules.complete(request.scaling, cap: limits.replicas, &violations),
            security: SecurityRules.check(request.security, allowsOpen: limits.allowsOpen, &violations))
        return (draft, violations)
    }

    /// The deployment that the same request made before.
    private func earlier(
        _ request: V1.CreateDeploymentRequest, _ change: DeploymentChange
    ) async throws -> DeploymentRecord? {
        guard !request.requestId.isEmpty else { return nil }
        let found = try await pool.query(
            """
            SELECT \(DeploymentRecord.columns) FROM \(DeploymentRecord.tables)
            WHERE d.workspace = \(change.workspaceID) AND d.request_id = \(request.requestId)
            """
        ).all(DeploymentRecord.self)
        guard let record = found.first else { return nil }
        guard record.deployment.name == request.name, !record.isDeleted else {
            throw RPCError(
                .alreadyExists,
                "request_id: the request \(shown(request.requestId)) made the deployment "
                    + "\"\(record.deployment.name)\"\(record.isDeleted ? ", which was deleted" : ""); draw another one")
        }
        return record
    }

    private func insert(
        _ draft: Draft, _ content: RevisionContent, _ request: V1.CreateDeploymentRequest,
        _ change: DeploymentChange, _ transaction: PostgresTransaction
    ) async throws -> DeploymentRecord {
        let target = try await TargetStore.usable(
            request.target.isEmpty ? TargetStore.usualName : request.target, in: change.workspace, transaction)
        try target.checkRoom(for: draft.settings)
        try await checkSecrets(draft.settings, change, transaction)
        try await checkCount(change, transaction)
        let security = draft.security
        let ids = try await transaction.query(
            """
            INSERT INTO deployments.deployments (workspace, workspace_name, name, description, tags, target, newest,
                scaling, security, certificate_until, host, request_id, created_by, principal)
            VALUES (\(change.workspaceID), \(change.workspace.name), \(request.name), \(request.description),
                \(PostgresJSON(RowJSON.object(request.tags))), \(target.id), 1, \(draft.scaling.serialized()),
                \(security.message.serialized()), \(security.until),
                \(security.message.host.isEmpty ? nil : security.message.host), \(request.requestId), \(change.actor),
                \(PostgresUUID(high: change.principal.high, low: change.principal.low)))
            RETURNING id
            """
        ).all(Int64.self)
        guard let id = ids.first else { throw RPCError(.internal, "a deployment was written and has no number") }
        let revision = RevisionInsert(
            deployment: id, number: 1, content: content, settings: draft.settings, reason: request.reason)
        var statements = revision.statements(by: change)
        statements.append("INSERT INTO deployments.shares (deployment, revision, percent) VALUES (\(id), 1, 100)")
        statements += try EndpointKey.pair().flatMap { try $0.statements(for: id, box, by: change.actor) }
        if let key = try security.sealedKey(for: id, box) {
            statements.append(
                "UPDATE deployments.deployments SET sealed_certificate_key = \(key) WHERE id = \(id)")
        }
        let tags = ("tags", RowJSON.object(request.tags))
        let members = revision.members + [("target", RowJSON.text(target.name)), tags]
        statements.append(
            change.journal(
                "created", request.name, "made with \(content.text) on the target \(target.name)", members))
        statements.append(UseReports.refresh(id))
        _ = try await transaction.pipeline(statements)
        try await Routes.refresh(id, in: transaction)
        return try await read(id, transaction)
    }

    private func checkCount(_ change: DeploymentChange, _ transaction: PostgresTransaction) async throws {
        let counts = try await transaction.query(
            """
            SELECT count(*) FROM deployments.deployments
            WHERE workspace = \(change.workspaceID) AND deleted IS NULL
            """
        ).all(Int.self)
        guard let count = counts.first, count < limits.deployments else {
            throw RPCError(
                .resourceExhausted,
                "the workspace has \(limits.deployments) deployments, the deployer's setting `limits.deployments`")
        }
    }

    /// Variables may name secrets that there are.
    func checkSecrets(
        _ settings: V1.ReplicaSettings, _ change: DeploymentChange, _ transaction: PostgresTransaction
    ) async throws {
        guard !settings.secretVariables.isEmpty else { return }
        let names = Array(Set(settings.secretVariables.values)).sorted()
        let found = try await transaction.query(
            "SELECT name FROM secrets.secrets WHERE workspace = \(change.workspaceID) AND name = ANY(\(names))"
        ).all(String.self)
        var violations = FieldViolations()
        for (variable, secret) in settings.secretVariables.sorted(by: { $0.key < $1.key })
        where !found.contains(secret) {
            violations.add(
                "settings.secret_variables[\(shown(variable))]", "the workspace has no secret \(shown(secret))")
        }
        try violations.check()
    }

    func taken(_ error: PostgresError, name: String, host: String) -> RPCError {
        if error.constraint == "deployments_host" {
            return RPCError(.alreadyExists, "security.host: another deployment answers to \(shown(host))")
        }
        return RPCError(.alreadyExists, "there is a deployment \"\(name)\" already; update it, or choose another name")
    }
}
