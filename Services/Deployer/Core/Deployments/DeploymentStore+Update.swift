package import Contracts
internal import Access
internal import Blobs
internal import Postgres
internal import Protobuf
internal import RPC
internal import ResourceKit

extension DeploymentStore {
    /// Makes another revision, which takes over as the plan says.
    /// - Throws: `RPCError`: `invalidArgument`, `notFound`, `aborted`, `failedPrecondition`.
    package func update(
        _ request: V1.UpdateDeploymentRequest, by change: DeploymentChange
    ) async throws -> V1.Deployment {
        var violations = FieldViolations()
        violations.check(place: request.name)
        let plan = PlanRules.complete(request.plan, &violations)
        let given = request.settings.map { SettingsRules.complete($0, "settings", &violations) }
        if request.content == nil, given == nil {
            violations.add("content", "neither content nor settings are given: there is nothing to change")
        }
        try violations.check()
        // Before anything is asked of others.
        _ = try await record(request.name, in: change.workspace)
        var found: RevisionContent?
        if let content = request.content { found = try await RevisionContent.find(content, images, for: change.acting) }
        return try await self.change(request.name, expecting: request.expectedGeneration, by: change) {
            before, transaction in
            let newest = try await revision(before.newest, of: before, transaction)
            var settings = given ?? newest.revision.settings ?? .init()
            let content = try found ?? newest.content
            if case .image(let image) = content {
                var violations = FieldViolations()
                SettingsRules.fit(&settings, to: image.needs, given: request.settings ?? settings, &violations)
                try violations.check()
            }
            try await TargetStore.usable(before.target, transaction).checkRoom(for: settings)
            try await checkSecrets(settings, change, transaction)
            let insert = RevisionInsert(
                deployment: before.id, number: before.newest + 1, content: content, settings: settings,
                reason: request.reason)
            let message = "revision \(insert.number) with \(content.text) takes over \(plan.text)"
            return DeploymentStore.taking(over: insert, plan, before, change)
                + [change.journal("updated", request.name, message, insert.members)]
        }
    }

    /// Goes back: another revision that is a copy of an earlier one.
    /// - Throws: `RPCError`: `invalidArgument`, `notFound` for a revision that there is not, `failedPrecondition` where
    ///   nothing served before.
    package func rollBack(_ request: V1.RollBackRequest, by change: DeploymentChange) async throws -> V1.Deployment {
        var violations = FieldViolations()
        violations.check(place: request.name)
        if request.revision < 0 { violations.add("revision", "revisions count from 1") }
        let plan = PlanRules.complete(request.plan, &violations)
        try violations.check()
        return try await self.change(request.name, by: change) { before, transaction in
            let wanted = request.revision == 0 ? before.servedBefore : request.revision
            guard wanted > 0 else {
                throw Refusal.precondition(
                    "nothing served before what serves now: name the revision to go back to",
                    [
                        .init(
                            type: "NO_EARLIER_REVISION", subject: DeploymentJournal.subject(request.name),
                            description: "who serves was never changed")
                    ])
            }
            let old = try await revision(wanted, of: before, transaction)
            let note = "goes back to revision \(wanted)"
            let insert = RevisionInsert(
                deployment: before.id, number: before.newest + 1, content: try old.content,
                settings: old.revision.settings ?? .init(),
                reason: request.reason.isEmpty ? note : "\(note): \(request.reason)", copyOf: wanted)
            let message = "revision \(insert.number), a copy of revision \(wanted), takes over \(plan.text)"
            return DeploymentStore.taking(over: insert, plan, before, change) + [
                change.journal(
                    "rolled-back", request.name, message, insert.members + [("copy_of", "\(wanted)")])
            ]
        }
    }

    /// One revision.
    /// - Throws: `RPCError` `notFound` with what there is.
    func revision(
        _ number: Int32, of deployment: DeploymentRecord, _ transaction: PostgresTransaction
    ) async throws -> RevisionRecord {
        let found = try await transaction.query(
            """
            SELECT \(RevisionRecord.columns) FROM deployments.revisions AS v
            WHERE v.deployment = \(deployment.id) AND v.number = \(number)
            """
        ).all(RevisionRecord.self)
        guard let record = found.first else {
            throw DeploymentStore.missing(revision: number, of: deployment)
        }
        return record
    }

    static func missing(revision number: Int32, of deployment: DeploymentRecord) -> RPCError {
        let name = deployment.deployment.name
        return Refusal.notFound(
            "revision", "\(DeploymentJournal.subject(name))/revisions/\(number)",
            "the deployment \"\(name)\" has no revision \(number); the newest is \(deployment.newest)")
    }

    /// What makes a revision, and has it take over from the one that serves now. A rollout that is under way gives way:
    /// its shares stay as they are until the new one moves them.
    private static func taking(
        over insert: RevisionInsert, _ plan: V1.RolloutPlan, _ before: DeploymentRecord, _ change: DeploymentChange
    ) -> [PostgresQuery] {
        let from = before.mainRevision
        return insert.statements(by: change) + [
            replacing(before.id, by: "revision \(insert.number) is to take over instead"),
            """
            INSERT INTO deployments.rollouts (deployment, from_revision, to_revision, plan)
            VALUES (\(before.id), \(from), \(insert.number), \(plan.serialized()))
            """,
            """
            UPDATE deployments.deployments SET newest = \(insert.number), served_before = \(from)
            WHERE id = \(before.id)
            """,
        ]
    }

    /// Ends the rollout that is under way, because something else is wanted.
    static func replacing(_ deployment: Int64, by message: String) -> PostgresQuery {
        """
        UPDATE deployments.rollouts SET state = \(Int16(V1.Rollout.State.replaced.rawValue)), message = \(message),
            ended = now()
        WHERE deployment = \(deployment) AND ended IS NULL
        """
    }
}

extension RevisionRecord {
    /// What it runs, for a copy of it.
    var content: RevisionContent {
        get throws(RPCError) {
            guard let digest else { return .model(model) }
            return .image(
                FoundImage(name: imageName, version: imageVersion, digest: digest, models: revision.models))
        }
    }
}

extension V1.RolloutPlan {
    /// For people.
    var text: String {
        switch strategy {
        case .canary: "with \(stepPercent) % of the requests first"
        case .linear: "in steps of \(stepPercent) %"
        case .blueGreen: "as soon as all its replicas are ready"
        default: "as soon as it is ready"
        }
    }
}
