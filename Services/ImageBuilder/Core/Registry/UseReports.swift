internal import Access
internal import Identity
internal import Postgres
internal import ResourceKit

/// What the registry is to know: which versions of models something here uses.
struct UseReport: Sendable {
    var workspace: Workspace
    /// `images/churn:2`, or a build under way.
    var user: String
    /// In whose name it is reported.
    var principal: EntityID
    /// As `churn:3`; none where it uses none any more.
    var versions: [String]
    var state: String
    /// The report whose acceptance this one waits for.
    var behind: String?
    /// The build that this speaks of: once its activity has ended it uses nothing, whoever says so.
    var build: PostgresUUID?

    init(
        _ user: String, versions: [String], state: String = "", of change: ImageChange, behind: String? = nil,
        build: PostgresUUID? = nil
    ) {
        workspace = change.workspace
        self.user = user
        principal = change.principal
        self.versions = versions
        self.state = state
        self.behind = behind
        self.build = build
    }

    /// The name under which a build under way uses its models.
    static func user(ofBuild build: PostgresUUID, name: String) -> String { "images/\(name):build-\(build)" }
}

/// The statements that say what is so; `UseReporter` tells the registry.
enum UseReports {
    /// Microseconds since 1970: it grows also where the row was gone meanwhile, or the database put back.
    static var generation: PostgresQuery { "(extract(epoch FROM clock_timestamp()) * 1000000)::bigint" }

    static func statement(_ report: UseReport) -> PostgresQuery {
        """
        INSERT INTO images.reports AS r
            (workspace, workspace_name, "user", principal, versions, state, generation, behind, build)
        VALUES (\(report.workspace.databaseID), \(report.workspace.name), \(report.user),
            \(PostgresUUID(report.principal)), \(report.versions), \(report.state), \(generation), \(report.behind),
            \(report.build))
        ON CONFLICT (workspace, "user") DO UPDATE SET principal = excluded.principal, versions = excluded.versions,
            state = excluded.state, behind = excluded.behind, attempts = 0, due = now(),
            generation = greatest(r.generation + 1, excluded.generation)
        """
    }
}
