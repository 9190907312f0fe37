package import Contracts
internal import Access
internal import Postgres
internal import Protobuf
internal import RPC
internal import ResourceKit

extension DeploymentStore {
    /// Divides the requests. A revision that is not ready gets its share as soon as it is.
    /// - Throws: `RPCError`: `invalidArgument`, `notFound`, `aborted`, `failedPrecondition` for a revision whose image can't
    ///   be had.
    package func setTraffic(_ request: V1.SetTrafficRequest, by change: DeploymentChange) async throws -> V1.Deployment
    {
        var violations = FieldViolations()
        let shares = TrafficRules.complete(request.traffic, &violations)
        try violations.check()
        return try await self.change(request.name, expecting: request.expectedGeneration, by: change) {
            before, transaction in
            try await check(shares, of: before, transaction)
            let text = shares.map { "revision \($0.revision) \($0.percent) %" }.joined(separator: ", ")
            let main = before.mainRevision
            let isMoved = shares.max { ($0.percent, $0.revision) < ($1.percent, $1.revision) }?.revision != main
            return [
                DeploymentStore.replacing(before.id, by: "the requests were divided by hand: \(text)"),
                "DELETE FROM deployments.shares WHERE deployment = \(before.id)",
                """
                INSERT INTO deployments.shares (deployment, revision, percent)
                SELECT \(before.id), revision, percent
                FROM unnest(\(shares.map(\.revision)), \(shares.map(\.percent))) AS given (revision, percent)
                """,
                """
                UPDATE deployments.deployments SET served_before = \(isMoved ? main : before.servedBefore)
                WHERE id = \(before.id)
                """,
                change.journal(
                    "traffic-set", request.name, "requests are divided: \(text)",
                    [("traffic", DeploymentStore.json(shares))],
                    before: [("traffic", DeploymentStore.json(before.deployment.traffic))]),
            ]
        }
    }

    private func check(
        _ shares: [V1.TrafficShare], of before: DeploymentRecord, _ transaction: PostgresTransaction
    ) async throws {
        let known = try await transaction.query(
            """
            SELECT number, stage, stage_message FROM deployments.revisions
            WHERE deployment = \(before.id) AND number = ANY(\(shares.map(\.revision)))
            """
        ).all((Int32, String, String).self)
        for share in shares {
            guard let (_, stage, why) = known.first(where: { $0.0 == share.revision }) else {
                throw DeploymentStore.missing(revision: share.revision, of: before)
            }
            guard stage != RevisionStage.failed.rawValue else {
                throw Refusal.precondition(
                    "revision \(share.revision) can't serve: \(why)",
                    [
                        .init(
                            type: "REVISION_FAILED",
                            subject: "\(DeploymentJournal.subject(before.deployment.name))/revisions/\(share.revision)",
                            description: why)
                    ])
            }
        }
    }

    static func json(_ shares: [V1.TrafficShare]) -> String {
        RowJSON.members(shares.map { ("\($0.revision)", "\($0.percent)") })
    }

    /// Says how many replicas there are to be.
    /// - Throws: `RPCError`: `invalidArgument`, `notFound`, `aborted`.
    package func setScaling(_ request: V1.SetScalingRequest, by change: DeploymentChange) async throws -> V1.Deployment
    {
        var violations = FieldViolations()
        if request.scaling == nil { violations.add("scaling", "say how many replicas there are to be") }
        let scaling = ScalingRules.complete(request.scaling, cap: limits.replicas, &violations)
        try violations.check()
        return try await self.change(request.name, expecting: request.expectedGeneration, by: change) { before, _ in
            let old = before.deployment.scaling ?? .init()
            guard scaling != old else { return [] }
            return [
                """
                UPDATE deployments.deployments SET scaling = \(scaling.serialized()) WHERE id = \(before.id)
                """,
                change.journal(
                    "scaling-set", request.name,
                    "\(scaling.minimum ?? 1) to \(scaling.maximum) replicas, \(scaling.measureText)",
                    scaling.members, before: old.members),
            ]
        }
    }

    /// Changes description and tags.
    /// - Throws: `RPCError`: `invalidArgument`, `notFound`.
    package func describe(_ request: V1.DescribeRequest, by change: DeploymentChange) async throws -> V1.Deployment {
        var violations = FieldViolations()
        violations.check(text: request.description ?? "", "description", bytesMax: TextLimits.textBytesMax)
        violations.check(labels: request.setTags, "set_tags")
        violations.check(set: request.setTags, remove: request.removeTags)
        try violations.check()
        return try await self.change(request.name, by: change) { before, _ in
            let old = before.deployment
            let tags = try Labels.changed(old.tags, request.setTags, request.removeTags, "set_tags")
            let description = request.description ?? old.description
            guard tags != old.tags || description != old.description else { return [] }
            func state(_ description: String, _ tags: [String: String]) -> [(String, String)] {
                [("description", RowJSON.text(description)), ("tags", RowJSON.object(tags))]
            }
            return [
                """
                UPDATE deployments.deployments SET description = \(description),
                    tags = \(PostgresJSON(RowJSON.object(tags)))
                WHERE id = \(before.id)
                """,
                change.journal(
                    "described", request.name, "described anew", state(description, tags),
                    before: state(old.description, old.tags)),
            ]
        }
    }

    /// Has a deployment end: its endpoint with this transaction, its replicas soon after. One that is being deleted already
    /// is left to it.
    /// - Throws: `RPCError`: `invalidArgument`, `notFound`.
    package func delete(_ request: V1.DeleteDeploymentRequest, by change: DeploymentChange) async throws
        -> V1.Deployment
    {
        let known = try await record(request.name, in: change.workspace)
        if known.isDeleting { return known.shown(addresses) }
        return try await self.change(request.name, by: change) { before, _ in
            [
                """
                UPDATE deployments.deployments SET deleting = now(),
                    state = \(Int16(V1.DeploymentStatus.State.deleting.rawValue))
                WHERE id = \(before.id)
                """,
                DeploymentStore.replacing(before.id, by: "the deployment is being deleted"),
                change.journal("deleted", request.name, "is to end; its endpoint answers no more"),
            ]
        }
    }
}

extension V1.Scaling {
    /// For people.
    var measureText: String {
        switch measure {
        case .concurrency: "\(goal) requests at once for each"
        case .rate: "\(goal) requests a second for each"
        default: "\(Int((goal * 100).rounded())) % of their slots busy"
        }
    }

    var members: [(String, String)] {
        [
            ("minimum", "\(minimum ?? 1)"), ("maximum", "\(maximum)"), ("measure", RowJSON.text("\(measure)")),
            ("goal", "\(goal)"),
        ]
    }
}
