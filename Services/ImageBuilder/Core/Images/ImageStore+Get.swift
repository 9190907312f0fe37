public import Access
internal import Postgres
internal import RPC
internal import ResourceKit

extension ImageStore {
    /// One image.
    /// - Parameter text: as callers name it.
    /// - Throws: `RPCError`: `invalidArgument`, `notFound` with what may have been meant.
    public func image(
        _ text: String, includeDeleted: Bool = false, field: String = "image", in workspace: Workspace
    ) async throws -> StoredImage {
        let named = try NamedImage(text, field: field)
        guard let found = try await find(named, includeDeleted: includeDeleted, in: workspace) else {
            throw try await missing(named, in: workspace)
        }
        guard includeDeleted || found.image.deletedAt == nil else { throw ImageStore.deleted(found) }
        return found
    }

    func find(_ named: NamedImage, includeDeleted: Bool, in workspace: Workspace) async throws -> StoredImage? {
        try await pool.read(
            """
            SELECT \(ImageRecord.columns) FROM images.images AS i
            WHERE i.workspace = \(workspace.databaseID) AND \(ImageStore.condition(named, includeDeleted))
            ORDER BY i.id DESC LIMIT 1
            """
        ).all(ImageRecord.self).first?.stored
    }

    /// Which rows `i` of a workspace are meant.
    static func condition(_ named: NamedImage, _ includeDeleted: Bool) -> PostgresQuery {
        switch named {
        case .digest(let digest):
            return "i.digest = \(digest.bytes) AND (\(includeDeleted) OR i.deleted IS NULL)"
        case .version(let reference):
            let which: PostgresQuery =
                switch reference.which {
                // Also where it is deleted, so that it can be said.
                case .number(let number): "i.version = \(number)"
                case .latest: "(\(includeDeleted) OR i.deleted IS NULL)"
                case .alias(let alias):
                    """
                    i.id = (SELECT a.image FROM images.aliases AS a
                        WHERE a.workspace = i.workspace AND a.name = i.name AND a.alias = \(alias))
                    """
                }
            return "i.name = \(reference.name) AND \(which)"
        }
    }

    /// The image, locked against every other change until the transaction ends; its name's row before it, so that two
    /// changes never wait for each other.
    func lock(
        _ named: NamedImage, in workspace: Workspace, _ transaction: PostgresTransaction
    ) async throws -> StoredImage {
        if case .version(let reference) = named {
            try await transaction.execute(
                """
                SELECT FROM images.names WHERE workspace = \(workspace.databaseID) AND name = \(reference.name)
                FOR NO KEY UPDATE
                """)
        }
        // A deletion decides on who uses the image: reports of use wait for it, and it for them.
        let ids = try await transaction.query(
            """
            SELECT i.id FROM images.images AS i
            WHERE i.workspace = \(workspace.databaseID) AND \(ImageStore.condition(named, false))
            ORDER BY i.id DESC LIMIT 1 FOR UPDATE
            """
        ).all(Int64.self)
        guard let id = ids.first, let stored = try await read(id, transaction) else {
            throw try await missing(named, in: workspace)
        }
        return stored
    }

    /// A statement of its own: it sees what was committed while its transaction waited for a lock.
    func read(_ id: Int64, _ transaction: PostgresTransaction) async throws -> StoredImage? {
        try await transaction.query(
            "SELECT \(ImageRecord.columns) FROM images.images AS i WHERE i.id = \(id)"
        ).all(ImageRecord.self).first?.stored
    }

    static func deleted(_ stored: StoredImage) -> RPCError {
        Refusal.notFound(
            "image", stored.subject, "\(stored.name) is deleted; restore it, or ask with include_deleted")
    }

    /// Why there is no such image, and what there is nearby.
    func missing(_ named: NamedImage, in workspace: Workspace) async throws -> RPCError {
        let place = "in the workspace \"\(workspace.name)\""
        guard case .version(let reference) = named else {
            return Refusal.notFound("image", named.text, "there is no image with the digest \(named.text) \(place)")
        }
        let rows = try await pool.read(
            """
            SELECT (SELECT max(i.version) FROM images.images AS i
                    WHERE i.workspace = n.workspace AND i.name = n.name AND i.deleted IS NULL),
                ARRAY(SELECT a.alias FROM images.aliases AS a
                    WHERE a.workspace = n.workspace AND a.name = n.name ORDER BY a.alias LIMIT 100)
            FROM images.names AS n WHERE n.workspace = \(workspace.databaseID) AND n.name = \(reference.name)
            """
        ).all((Int32?, [String]).self)
        guard let (latest, aliases) = rows.first else {
            let names = try await pool.read(
                "SELECT name FROM images.names WHERE workspace = \(workspace.databaseID) ORDER BY name LIMIT 1000"
            ).all(String.self)
            let near = NearNames.nearest(to: reference.name, of: names).map { "; did you mean \"\($0)\"?" } ?? ""
            return Refusal.notFound(
                "image", "images/\(reference.name)", "there is no image \"\(reference.name)\" \(place)\(near)")
        }
        let nearby: String
        switch (reference.which, latest) {
        case (_, nil): nearby = "; it has no version that is not deleted"
        case (.alias(let alias), _?):
            let near = NearNames.nearest(to: alias, of: aliases).map { "did you mean \(reference.name)@\($0)?" }
            nearby = "; " + (near ?? (aliases.isEmpty ? "it has no aliases" : "its aliases are \(aliases.prefix(10))"))
        case (_, let latest?): nearby = "; the latest is \(reference.name):\(latest)"
        }
        return Refusal.notFound(
            "image", "images/\(reference.text)", "there is no image \(reference.text) \(place)\(nearby)")
    }
}

extension ImageStore {
    /// An image of the workspace that a caller is in, for routes.
    /// - Throws: `RPCError`: `invalidArgument`, `notFound`.
    public func image(_ text: String, of caller: Caller) async throws -> StoredImage {
        guard let workspace = caller.workspace else {
            throw RPCError(.internal, "the call reached its route without a workspace")
        }
        return try await image(text, in: workspace)
    }
}
