public import Contracts
internal import Journal
internal import Postgres
internal import RPC
internal import ResourceKit

extension ImageStore {
    static let usesMax = 1000

    /// Takes down which images something uses, in place of what it said before. A deleted image counts too: the report says
    /// what is so. One that uses nothing any more is forgotten but for its generation, so that an older report that comes
    /// late changes nothing.
    /// - Returns: false where a newer report was there.
    /// - Throws: `RPCError`: `invalidArgument`, `notFound` for an image that there is not.
    public func reportUse(
        _ request: Slipway.Images.V1.ReportUseRequest, by change: ImageChange
    ) async throws -> Bool {
        let references = try ImageStore.checked(request)
        return try await pool.transaction { transaction in
            let images = try await used(references, change, transaction)
            let accepted = try await transaction.query(
                """
                INSERT INTO images.users AS u (workspace, "user", generation, reported_by)
                VALUES (\(change.workspaceID), \(request.user), \(request.generation), \(change.actor))
                ON CONFLICT (workspace, "user") DO UPDATE SET generation = excluded.generation,
                    reported_by = excluded.reported_by, reported = now()
                WHERE u.generation <= excluded.generation
                """
            ).affectedRows
            guard accepted > 0 else { return false }
            let before = try await transaction.query(
                """
                SELECT i.name || ':' || i.version FROM images.uses AS u JOIN images.images AS i ON i.id = u.image
                WHERE u.workspace = \(change.workspaceID) AND u."user" = \(request.user) ORDER BY i.name, i.version
                """
            ).all(String.self)
            var statements: [PostgresQuery] = [
                """
                DELETE FROM images.uses WHERE workspace = \(change.workspaceID) AND "user" = \(request.user)
                    AND image <> ALL(\(images.map(\.0)))
                """,
                """
                INSERT INTO images.uses (workspace, "user", image)
                SELECT \(change.workspaceID), \(request.user), id FROM unnest(\(images.map(\.0))) AS given (id)
                ON CONFLICT DO NOTHING
                """,
            ]
            // A report that says nothing new is no change, and comes every few seconds.
            let after = images.map(\.1).sorted()
            if before.sorted() != after {
                statements.append(
                    Journal.insertion(
                        change.entry(
                            "use-reported", request.user, before: ImageStore.state(before),
                            after: ImageStore.state(after)), from: "(VALUES (1)) AS once"))
            }
            _ = try await transaction.pipeline(statements)
            return true
        }
    }

    private static func checked(
        _ request: Slipway.Images.V1.ReportUseRequest
    ) throws(RPCError) -> [VersionReference] {
        var violations = FieldViolations()
        if !request.user.hasPrefix("deployments/") || request.user.utf8.count <= 12 {
            violations.add("user", "\(shown(request.user)) should begin with deployments/ and go on with its name")
        }
        violations.check(text: request.user, "user", bytesMax: TextLimits.nameBytesMax)
        if request.generation < 0 { violations.add("generation", "it counts up from 0") }
        // Counted before they are looked at: a message has room for a million of them.
        if request.images.count > usesMax {
            violations.add("images", "there are \(request.images.count); \(usesMax) at most")
        }
        var references: [VersionReference] = []
        for (index, text) in request.images.prefix(usesMax).enumerated() {
            guard let reference = NamedImage.reference(text), case .number = reference.which else {
                violations.add("images[\(index)]", "\(shown(text)) should name an image by its number, as name:2")
                continue
            }
            if !references.contains(reference) { references.append(reference) }
        }
        try violations.check()
        return references
    }

    /// The images reported, held so that no deletion can decide on them meanwhile.
    private func used(
        _ references: [VersionReference], _ change: ImageChange, _ transaction: PostgresTransaction
    ) async throws -> [(Int64, String)] {
        guard !references.isEmpty else { return [] }
        let numbers = references.map { if case .number(let number) = $0.which { number } else { Int32(0) } }
        let found = try await transaction.query(
            """
            SELECT i.id, i.name || ':' || i.version FROM images.images AS i
            JOIN unnest(\(references.map(\.name)), \(numbers)) AS given (name, version)
                ON i.name = given.name AND i.version = given.version
            WHERE i.workspace = \(change.workspaceID) ORDER BY i.id FOR KEY SHARE OF i
            """
        ).all((Int64, String).self)
        let names = Set(found.map(\.1))
        for reference in references where !names.contains(reference.text) {
            throw try await missing(.version(reference), in: change.workspace)
        }
        return found.map { ($0.0, $0.1) }
    }

    private static func state(_ images: [String]) -> String {
        RowJSON.members([("images", RowJSON.array(images))])
    }
}
