public import Contracts
internal import Journal
internal import Postgres
internal import RPC
internal import ResourceKit

extension ImageStore {
    /// Changes description and tags.
    /// - Throws: `RPCError`: `invalidArgument`, `notFound`, `aborted` where the revision is another by now.
    public func update(
        _ request: Slipway.Images.V1.UpdateImageRequest, by change: ImageChange
    ) async throws -> Slipway.Images.V1.Image {
        let named = try NamedImage(request.image)
        var violations = FieldViolations()
        violations.check(text: request.description ?? "", "description", bytesMax: TextLimits.textBytesMax)
        violations.check(labels: request.setTags, "set_tags")
        violations.check(reason: request.reason)
        violations.check(set: request.setTags, remove: request.removeTags)
        try violations.check()
        return try await pool.transaction { transaction in
            let before = try await lock(named, in: change.workspace, transaction)
            guard before.image.deletedAt == nil else { throw ImageStore.deleted(before) }
            if let expected = request.expectedRevision, expected != before.image.revision {
                throw Refusal.changed(before.subject, expected: expected, found: before.image.revision)
            }
            var image = before.image
            image.description = request.description ?? image.description
            image.tags = try Labels.changed(image.tags, request.setTags, request.removeTags, "set_tags")
            let after = StoredImage(
                id: before.id, image: image, digest: before.digest, usesBasePython: before.usesBasePython)
            guard after.state != before.state else { return image }
            _ = try await transaction.pipeline([
                """
                UPDATE images.images SET description = \(image.description),
                    tags = \(PostgresJSON(RowJSON.object(image.tags))), updated = now(), revision = revision + 1
                WHERE id = \(before.id)
                """,
                Journal.insertion(
                    change.entry("updated", before.subject, before: before.state, after: after.state),
                    from: "(VALUES (1)) AS once"),
            ])
            return try await read(before.id, transaction)?.image ?? image
        }
    }

    /// Makes an alias point to an image. One that points there already stays as it is.
    /// - Throws: `RPCError`: `invalidArgument`, `notFound`.
    public func setAlias(
        _ request: Slipway.Images.V1.SetAliasRequest, by change: ImageChange
    ) async throws -> Slipway.Images.V1.Image {
        let named = try NamedImage(request.image)
        var violations = FieldViolations()
        violations.check(alias: request.alias, "alias")
        violations.check(reason: request.reason)
        try violations.check()
        return try await pool.transaction { transaction in
            let stored = try await lock(named, in: change.workspace, transaction)
            guard stored.image.deletedAt == nil else { throw ImageStore.deleted(stored) }
            _ = try await transaction.pipeline(
                try await ImageStore.pointing(request.alias, to: stored, change, transaction))
            return try await read(stored.id, transaction)?.image ?? stored.image
        }
    }

    /// What makes an alias point to an image, with its row of the journal; nothing where it does already.
    static func pointing(
        _ alias: String, to stored: StoredImage, _ change: ImageChange, _ transaction: PostgresTransaction
    ) async throws -> [PostgresQuery] {
        let before = try await transaction.query(
            """
            SELECT i.id, i.version FROM images.aliases AS a JOIN images.images AS i ON i.id = a.image
            WHERE a.workspace = \(change.workspaceID) AND a.name = \(stored.image.name) AND a.alias = \(alias)
            FOR UPDATE OF a
            """
        ).all((Int64, Int32).self).first
        guard before?.0 != stored.id else { return [] }
        return [
            """
            INSERT INTO images.aliases (workspace, name, alias, image, set_by)
            VALUES (\(change.workspaceID), \(stored.image.name), \(alias), \(stored.id), \(change.actor))
            ON CONFLICT (workspace, name, alias) DO UPDATE SET image = excluded.image, set_at = now(),
                set_by = excluded.set_by
            """,
            touch([stored.id] + (before.map { [$0.0] } ?? [])),
            Journal.insertion(
                change.entry(
                    "alias-set", "images/\(stored.image.name)@\(alias)",
                    before: before.map { state(alias, $0.1) }, after: state(alias, stored.image.version)),
                from: "(VALUES (1)) AS once"),
        ]
    }

    /// Removes an alias. The image stays.
    /// - Throws: `RPCError`: `invalidArgument`, `notFound`.
    public func deleteAlias(
        _ request: Slipway.Images.V1.DeleteAliasRequest, by change: ImageChange
    ) async throws {
        var violations = FieldViolations()
        violations.check(image: request.name)
        violations.check(alias: request.alias, "alias")
        violations.check(reason: request.reason)
        try violations.check()
        let named = NamedImage.version(VersionReference(name: request.name, which: .alias(request.alias)))
        try await pool.transaction { transaction in
            let stored = try await lock(named, in: change.workspace, transaction)
            _ = try await transaction.pipeline(
                ImageStore.removal(of: request.alias, from: stored, change, reason: change.reason)
                    + [ImageStore.touch([stored.id])])
        }
    }

    /// What takes an alias off, with its row of the journal.
    static func removal(
        of alias: String, from stored: StoredImage, _ change: ImageChange, reason: String
    ) -> [PostgresQuery] {
        var entry = change.entry(
            "alias-removed", "images/\(stored.image.name)@\(alias)", before: state(alias, stored.image.version))
        entry.reason = reason.isEmpty ? nil : reason
        return [
            """
            DELETE FROM images.aliases WHERE workspace = \(change.workspaceID) AND name = \(stored.image.name)
                AND alias = \(alias) AND image = \(stored.id)
            """,
            Journal.insertion(entry, from: "(VALUES (1)) AS once"),
        ]
    }

    static func touch(_ images: [Int64]) -> PostgresQuery {
        "UPDATE images.images SET updated = now(), revision = revision + 1 WHERE id = ANY(\(images))"
    }

    private static func state(_ alias: String, _ version: Int32) -> String {
        RowJSON.members([("alias", RowJSON.text(alias)), ("version", "\(version)")])
    }
}
