public import ResourceKit
public import Contracts
import Journal
import Postgres
import Protobuf
import RPC

extension RegistryStore {
    /// Takes down what an image or a deployment says that it uses, in place of what it said before. A deleted version
    /// counts too: the report says what is so. One that uses nothing any more is forgotten but for its generation, so that an
    /// older report that comes late changes nothing.
    /// - Returns: false where a newer report was there.
    /// - Throws: `RPCError`: `invalidArgument`, `notFound` for a version that there is not.
    public func reportUse(
        _ request: Slipway.Models.V1.ReportUseRequest, by change: RegistryChange
    ) async throws -> Bool {
        let report = try UseReport(request)
        return try await pool.transaction { transaction in
            let before = try await transaction.query(
                """
                SELECT generation, state, kind FROM registry.users
                WHERE workspace = \(change.workspaceID) AND "user" = \(report.user) FOR UPDATE
                """
            ).all((Int64, String, String).self).first
            if let before, before.0 > report.generation { return false }
            let versions = try await versions(report, change, transaction)
            let accepted = try await transaction.query(
                """
                INSERT INTO registry.users AS u (workspace, "user", kind, state, generation, reported_by)
                VALUES (\(change.workspaceID), \(report.user), \(report.kind), \(report.state), \(report.generation),
                    \(change.actor))
                ON CONFLICT (workspace, "user") DO UPDATE SET kind = excluded.kind, state = excluded.state,
                    generation = excluded.generation, reported_by = excluded.reported_by, reported = now()
                WHERE u.generation <= excluded.generation
                """
            ).affectedRows
            guard accepted > 0 else { return false }
            let used = try await transaction.pipeline([
                """
                SELECT v.name || ':' || v.version FROM registry.uses AS u JOIN registry.versions AS v ON v.id = u.version
                WHERE u.workspace = \(change.workspaceID) AND u."user" = \(report.user) ORDER BY v.name, v.version
                """,
                """
                SELECT image FROM registry.image_uses
                WHERE workspace = \(change.workspaceID) AND "user" = \(report.user) ORDER BY image
                """,
                """
                DELETE FROM registry.uses WHERE workspace = \(change.workspaceID) AND "user" = \(report.user)
                    AND version <> ALL(\(versions))
                """,
                """
                INSERT INTO registry.uses (workspace, "user", version)
                SELECT \(change.workspaceID), \(report.user), id FROM unnest(\(versions)) AS given (id)
                ON CONFLICT DO NOTHING
                """,
                """
                DELETE FROM registry.image_uses WHERE workspace = \(change.workspaceID) AND "user" = \(report.user)
                    AND image <> ALL(\(report.images))
                """,
                """
                INSERT INTO registry.image_uses (workspace, "user", image)
                SELECT \(change.workspaceID), \(report.user), image FROM unnest(\(report.images)) AS given (image)
                ON CONFLICT DO NOTHING
                """,
            ])
            let old = try before.map { report.state($0.1, try used.texts(0), try used.texts(1)) }
            let new = report.state(report.state, report.versions.map(\.text), report.images)
            // A report that says nothing new is no change, and comes every few seconds.
            if old != new {
                try await Journal.append(
                    change.entry("use-reported", report.user, before: old, after: new), in: transaction)
            }
            return true
        }
    }

    /// The numbers in the database of the versions reported, held so that no deletion can decide on them meanwhile.
    private func versions(
        _ report: UseReport, _ change: RegistryChange, _ transaction: PostgresTransaction
    ) async throws -> [Int64] {
        guard !report.versions.isEmpty else { return [] }
        let numbers = report.versions.map { if case .number(let number) = $0.which { number } else { Int32(0) } }
        let found = try await transaction.query(
            """
            SELECT v.id, v.name || ':' || v.version FROM registry.versions AS v
            JOIN unnest(\(report.versions.map(\.name)), \(numbers)) AS given (name, version)
                ON v.name = given.name AND v.version = given.version
            WHERE v.workspace = \(change.workspaceID) ORDER BY v.id FOR KEY SHARE OF v
            """
        ).all((Int64, String).self)
        let names = Set(found.map(\.1))
        for version in report.versions where !names.contains(version.text) {
            throw try await missing(version, in: change.workspace)
        }
        return found.map(\.0)
    }
}

/// A report of use, checked.
private struct UseReport {
    static let usesMax = 1000

    let user: String
    let kind: String
    let versions: [VersionReference]
    let images: [String]
    let state: String
    let generation: Int64

    init(_ request: Slipway.Models.V1.ReportUseRequest) throws(RPCError) {
        var violations = FieldViolations()
        switch request.kind {
        case .image: kind = "image"
        case .deployment: kind = "deployment"
        default:
            kind = ""
            violations.add("kind", "it should be NODE_KIND_IMAGE or NODE_KIND_DEPLOYMENT")
        }
        user = request.user
        if !kind.isEmpty, !request.user.hasPrefix("\(kind)s/") || request.user.utf8.count <= kind.utf8.count + 2 {
            violations.add("user", "\(shown(request.user)) should begin with \(kind)s/ and go on with its name")
        }
        violations.check(text: request.user, "user", bytesMax: TextLimits.nameBytesMax)
        violations.check(text: request.state, "state", bytesMax: TextLimits.nameBytesMax)
        state = request.state
        generation = request.generation
        if request.generation < 0 { violations.add("generation", "it counts up from 0") }
        // Counted before they are looked at: a message has room for a million of them.
        for (field, count) in [("versions", request.versions.count), ("images", request.images.count)]
        where count > UseReport.usesMax {
            violations.add(field, "there are \(count); \(UseReport.usesMax) at most")
        }
        var versions: [VersionReference] = []
        for (index, text) in request.versions.prefix(UseReport.usesMax).enumerated() {
            guard let version = VersionReference(parsing: text), case .number = version.which else {
                violations.add("versions[\(index)]", "\(shown(text)) should name a version by its number, as name/3")
                continue
            }
            if !versions.contains(version) { versions.append(version) }
        }
        self.versions = versions
        for (index, image) in request.images.prefix(UseReport.usesMax).enumerated() {
            if !image.hasPrefix("images/") {
                violations.add("images[\(index)]", "\(shown(image)) should begin with images/")
            }
            violations.check(text: image, "images[\(index)]", bytesMax: TextLimits.nameBytesMax)
        }
        try violations.check()
        images = Array(Set(request.images)).sorted()
    }

    /// For the journal.
    func state(_ state: String, _ versions: [String], _ images: [String]) -> String {
        RowJSON.members([
            ("kind", RowJSON.text(kind)), ("state", RowJSON.text(state)),
            ("versions", RowJSON.array(versions.sorted())), ("images", RowJSON.array(images.sorted())),
        ])
    }
}

extension [PostgresRows] {
    /// The only column of one of the results.
    fileprivate func texts(_ index: Int) throws -> [String] {
        indices.contains(index) ? try self[index].all(String.self) : []
    }
}
