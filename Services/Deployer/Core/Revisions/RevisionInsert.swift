internal import Blobs
internal import Contracts
internal import Postgres
internal import Protobuf
internal import ResourceKit

/// A revision that is to be written down.
struct RevisionInsert: Sendable {
    var deployment: Int64
    var number: Int32
    var content: RevisionContent
    /// Complete.
    var settings: V1.ReplicaSettings
    var reason: String
    var copyOf: Int32?

    func statements(by change: DeploymentChange) -> [PostgresQuery] {
        let principal = PostgresUUID(high: change.principal.high, low: change.principal.low)
        var (name, version, digest, model): (String, Int32, [UInt8]?, String) = ("", 0, nil, "")
        switch content {
        case .image(let image): (name, version, digest) = (image.name, image.version, image.digest.bytes)
        case .model(let text): model = text
        }
        // Whose bytes are here already has nothing to wait for.
        let stage: PostgresQuery =
            digest == nil
            ? "'building'"
            : """
            CASE WHEN EXISTS (SELECT FROM deployments.local_images AS l WHERE l.digest = \(digest)) THEN 'ready'
                ELSE 'bringing' END
            """
        var statements: [PostgresQuery] = [
            // Whoever is about to remove it waits, and finds it used a moment ago.
            "UPDATE deployments.local_images SET used = now() WHERE digest = \(digest)",
            """
            INSERT INTO deployments.revisions (deployment, number, workspace, image_name, image_version, digest, model,
                stage, settings, cpu_millis, memory_bytes, gpus, principal, created_by, reason, copy_of)
            VALUES (\(deployment), \(number), \(change.workspaceID), \(name), \(version), \(digest), \(model), \(stage),
                \(settings.serialized()), \(Int64(settings.cpuMillis)), \(settings.memoryBytes), \(settings.gpus),
                \(principal), \(change.actor), \(reason), \(copyOf))
            """,
        ]
        let models = content.models.compactMap { VersionReference($0, isName: NameRules.isModel) }
        for reference in models {
            guard case .number(let number) = reference.which else { continue }
            statements.append(
                """
                INSERT INTO deployments.revision_models (deployment, revision, workspace, model, version)
                VALUES (\(deployment), \(self.number), \(change.workspaceID), \(reference.name), \(number))
                ON CONFLICT DO NOTHING
                """)
        }
        return statements
    }

    /// For the journal.
    var members: [(String, String)] {
        var members = [("revision", "\(number)"), ("models", RowJSON.array(content.models))]
        if case .image(let image) = content {
            members += [("image", RowJSON.text(image.text)), ("digest", RowJSON.text("\(image.digest)"))]
        }
        return members
    }
}
