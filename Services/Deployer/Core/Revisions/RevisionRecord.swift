package import Blobs
package import Contracts
package import Postgres
internal import Protobuf
internal import ResourceKit

/// Where a revision's image is on its way into this installation.
package enum RevisionStage: String, Sendable {
    case building, bringing, ready, failed
}

/// A row of `revisions` with what belongs to it.
package struct RevisionRecord: Sendable, PostgresRowDecodable {
    package let deployment: Int64
    package let stage: RevisionStage
    /// Why it is there, where there is something to say.
    package let stageMessage: String
    package let digest: BlobDigest?
    package let imageName: String
    package let imageVersion: Int32
    /// The version that an image is built for; empty where an image was named.
    package let model: String
    package let build: PostgresUUID?
    package let wanted: Int32
    package let principal: PostgresUUID
    /// As callers see it, but for its replicas.
    package let revision: V1.Revision

    package static var columns: PostgresQuery {
        """
        v.deployment, v.number, v.image_name, v.image_version, v.digest, v.model, v.build, v.stage, v.stage_message,
        v.settings, v.wanted, v.principal, v.created_by, v.created, v.reason,
        ARRAY(SELECT m.model || ':' || m.version FROM deployments.revision_models AS m
            WHERE m.deployment = v.deployment AND m.revision = v.number ORDER BY 1) AS models
        """
    }

    package init(row: PostgresRow) throws {
        deployment = try row.decode("deployment")
        let word: String = try row.decode("stage")
        guard let stage = RevisionStage(rawValue: word) else {
            throw PostgresError(.usage, "a revision is in the stage \(word), which is none")
        }
        self.stage = stage
        stageMessage = try row.decode("stage_message")
        digest = try row.decode("digest", as: [UInt8]?.self).flatMap { BlobDigest(bytes: $0) }
        imageName = try row.decode("image_name")
        imageVersion = try row.decode("image_version")
        model = try row.decode("model")
        build = try row.decode("build")
        wanted = try row.decode("wanted")
        principal = try row.decode("principal")
        var revision = V1.Revision()
        revision.number = try row.decode("number")
        revision.image = imageName.isEmpty ? "" : "\(imageName):\(imageVersion)"
        revision.digest = digest.map { "\($0)" } ?? ""
        revision.models = try row.decode("models")
        revision.settings = try V1.ReplicaSettings(serialized: try row.decode("settings", as: [UInt8].self))
        revision.createdBy = try row.decode("created_by")
        revision.createdAt = Google.Protobuf.Timestamp(try row.decode("created", as: PostgresTimestamp.self))
        revision.reason = try row.decode("reason")
        self.revision = revision
    }
}
