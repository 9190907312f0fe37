public import Contracts
internal import Journal
internal import Postgres
internal import RPC
internal import ResourceKit

extension ImageStore {
    /// Deletes an image so that it can be restored, and takes off the aliases that point to it. One that is deleted already
    /// stays as it is. With it goes, at the registry, its use of the models in it.
    /// - Throws: `RPCError`: `invalidArgument` for an alias, `notFound`, `failedPrecondition` naming who uses it.
    public func delete(
        _ request: Slipway.Images.V1.DeleteImageRequest, by change: ImageChange
    ) async throws -> Slipway.Images.V1.Image {
        let reference = try ImageStore.checked(request.image, request.reason)
        return try await pool.transaction { transaction in
            let stored = try await lock(.version(reference), in: change.workspace, transaction)
            guard stored.image.deletedAt == nil else { return stored.image }
            try ImageStore.refuseUsed(stored)
            var statements: [PostgresQuery] = [
                "UPDATE images.images SET deleted = now(), updated = now(), revision = revision + 1 WHERE id = \(stored.id)"
            ]
            for alias in stored.image.aliases {
                statements += ImageStore.removal(of: alias, from: stored, change, reason: "\(stored.name) was deleted")
            }
            statements.append(
                UseReports.statement(
                    UseReport(stored.subject, versions: [], state: "deleted", of: change)))
            statements.append(
                Journal.insertion(change.entry("deleted", stored.subject), from: "(VALUES (1)) AS once"))
            _ = try await transaction.pipeline(statements)
            return try await read(stored.id, transaction)?.image ?? stored.image
        }
    }

    /// Takes a deletion back. An image that is not deleted stays as it is.
    ///
    /// Its models may be deleted by now: the image holds their files, and the registry hears that they are used again.
    /// - Throws: `RPCError`: `invalidArgument` for an alias, `notFound`.
    public func restore(
        _ request: Slipway.Images.V1.RestoreImageRequest, by change: ImageChange
    ) async throws -> Slipway.Images.V1.Image {
        let reference = try ImageStore.checked(request.image, request.reason)
        return try await pool.transaction { transaction in
            let stored = try await lock(.version(reference), in: change.workspace, transaction)
            guard stored.image.deletedAt != nil else { return stored.image }
            _ = try await transaction.pipeline([
                "UPDATE images.images SET deleted = NULL, updated = now(), revision = revision + 1 WHERE id = \(stored.id)",
                UseReports.statement(UseReport(stored.subject, versions: stored.modelVersions, of: change)),
                Journal.insertion(change.entry("restored", stored.subject), from: "(VALUES (1)) AS once"),
            ])
            return try await read(stored.id, transaction)?.image ?? stored.image
        }
    }

    private static func checked(_ image: String, _ reason: String) throws(RPCError) -> VersionReference {
        let reference = try NamedImage.numbered(image)
        var violations = FieldViolations()
        violations.check(reason: reason)
        try violations.check()
        return reference
    }

    private static func refuseUsed(_ stored: StoredImage) throws(RPCError) {
        let users = stored.image.users
        guard !users.isEmpty else { return }
        let named = users.prefix(5).joined(separator: ", ")
        let rest = users.count > 5 ? " and \(users.count - 5) more" : ""
        throw Refusal.precondition(
            "\(stored.name) can't be deleted: \(named)\(rest) \(users.count == 1 ? "uses" : "use") it",
            users.map { .init(type: "IN_USE", subject: $0, description: "\($0) uses \(stored.name)") })
    }
}
