internal import Journal
internal import Postgres

extension ImageReferences {
    /// Images that one transaction takes.
    private static let batch = 100

    /// Removes images for good that were deleted so long ago, each with its row in the journal. One that somebody uses
    /// stays: a report of use and the deletion may have crossed.
    /// - Returns: how many.
    func purgeImages(deletedFor age: Duration) async throws -> Int {
        let seconds = Double(age.components.seconds)
        var purged = 0
        while true {
            let count = try await pool.transaction { transaction in
                // Locked first and looked at then: whoever restores one waits, or was here before and is left alone.
                let due = try await transaction.query(
                    """
                    SELECT id FROM images.images AS i WHERE i.deleted <= now() - make_interval(secs => \(seconds))
                    AND NOT EXISTS (SELECT FROM images.uses AS u WHERE u.image = i.id)
                    ORDER BY id LIMIT \(ImageReferences.batch) FOR UPDATE SKIP LOCKED
                    """
                ).all(Int64.self)
                let gone = try await transaction.query(
                    """
                    DELETE FROM images.images AS i WHERE i.id = ANY(\(due))
                    AND NOT EXISTS (SELECT FROM images.uses AS u WHERE u.image = i.id)
                    RETURNING i.name, i.version, encode(i.digest, 'hex') AS digest,
                        coalesce((SELECT w.name FROM identity.workspaces AS w WHERE w.id = i.workspace), '') AS workspace
                    """
                ).all((String, Int32, String, String).self)
                for (name, version, digest, workspace) in gone {
                    let entry = JournalEntry(
                        actor: "system:image-keeper", action: "image.purged", subject: "images/\(name):\(version)",
                        workspace: workspace.isEmpty ? nil : workspace,
                        reason: "deleted longer ago than images are kept",
                        before: PostgresJSON("{\"digest\":\"sha256:\(digest)\"}"))
                    try await Journal.append(entry, in: transaction)
                }
                return gone.count
            }
            purged += count
            guard count == ImageReferences.batch else { return purged }
        }
    }
}
