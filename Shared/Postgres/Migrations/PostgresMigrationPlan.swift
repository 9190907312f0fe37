/// A step that the database has.
struct AppliedMigration: PostgresRowDecodable, Equatable {
    var number: Int
    var name: String
    var checksum: String
    var compatibleFrom: Int
    var appliedBy: String

    init(number: Int, name: String, checksum: String, compatibleFrom: Int, appliedBy: String) {
        self.number = number
        self.name = name
        self.checksum = checksum
        self.compatibleFrom = compatibleFrom
        self.appliedBy = appliedBy
    }

    init(row: PostgresRow) throws {
        number = try row.decode("number")
        name = try row.decode("name")
        checksum = try row.decode("checksum")
        compatibleFrom = try row.decode("compatible_from")
        appliedBy = try row.decode("applied_by")
    }
}

/// What a program knows compared with what a database has. Pure.
public struct PostgresMigrationPlan: Sendable {
    public let schema: String
    public let pending: [PostgresMigration]
    /// Steps that the database has and the program does not know, and can live with.
    public let unknown: [String]
    private let appliedCount: Int

    /// - Throws: `PostgresMigrationError` where the two do not go together.
    init(schema: String, known: [(PostgresMigration, String)], applied: [AppliedMigration]) throws {
        self.schema = schema
        let latest = known.last?.0.number ?? 0
        for step in applied {
            guard let (migration, checksum) = known.first(where: { $0.0.number == step.number }) else {
                guard step.number > latest, step.compatibleFrom <= latest else {
                    throw PostgresMigrationError(
                        .databaseIsNewer,
                        "schema \(schema) has step \(step.name), applied by \(step.appliedBy), which this program does "
                            + "not know: it knows steps up to \(latest), and that one needs \(step.compatibleFrom)")
                }
                continue
            }
            guard migration.name == step.name, checksum == step.checksum else {
                throw PostgresMigrationError(
                    .changed,
                    "step \(migration.name) of schema \(schema) was changed after it was applied as \(step.name): "
                        + "SHA-256 \(checksum.prefix(12))… here, \(step.checksum.prefix(12))… there; add a new step instead"
                )
            }
        }
        let numbers = Set(applied.map(\.number))
        pending = known.map(\.0).filter { !numbers.contains($0.number) }
        if let first = pending.first, let last = numbers.max(), first.number < last {
            throw PostgresMigrationError(
                .outOfOrder,
                "step \(first.name) of schema \(schema) comes before step \(last), which is applied already")
        }
        unknown = applied.filter { $0.number > latest }.map(\.name)
        appliedCount = applied.count
    }
}

extension PostgresMigrationPlan: CustomStringConvertible {
    /// For a dry run: each step with its text.
    public var description: String {
        var lines = ["schema \(schema): \(appliedCount) steps applied, \(pending.count) to apply"]
        for name in unknown { lines.append("newer than this program, and compatible: \(name)") }
        for step in pending {
            lines.append("\(step.name)\(step.isTransactional ? "" : " (without a transaction)")")
            lines += step.sql.split(separator: "\n").map { "    " + $0 }
        }
        return lines.joined(separator: "\n")
    }
}
