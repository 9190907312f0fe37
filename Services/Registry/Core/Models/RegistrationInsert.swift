import ResourceKit
import Contracts
import Journal
import Postgres
import Protobuf

/// A registration as one statement: what it writes appears as a whole or not at all, and the model's row is locked for no
/// longer than that takes.
struct RegistrationInsert {
    enum Files {
        /// The files are registered already, as this set.
        case known(Int64)
        case new(recognised: [UInt8], generation: Int32)
    }

    private let registration: Registration
    private let facts: Slipway.Models.V1.ModelVersion
    private let files: Files
    private let size: Int64
    private let change: RegistryChange

    init(
        _ registration: Registration, _ facts: Slipway.Models.V1.ModelVersion, _ files: Files, size: Int64,
        _ change: RegistryChange
    ) {
        self.registration = registration
        self.facts = facts
        self.files = files
        self.size = size
        self.change = change
    }

    private var request: Slipway.Models.V1.RegisterRequest { registration.request }
    private var workspace: PostgresUUID { change.workspaceID }

    /// Answers with one row, or with none where the set of files is gone.
    ///
    /// Each part goes into the whole as soon as it is made: the values of many files are megabytes, and queries that hold
    /// queries would have them several times.
    var statement: PostgresQuery {
        var whole = PostgresQuery.StringInterpolation(literalCapacity: 4096, interpolationCount: 64)
        func add(_ name: String, _ part: PostgresQuery, isFirst: Bool = false) {
            whole.appendLiteral("\(isFirst ? "WITH" : ",") \(name) AS (")
            whole.appendInterpolation(part)
            whole.appendLiteral(")")
        }
        add("file_set", fileSet, isFirst: true)
        add("model", model)
        add("version", version)
        if case .new = files {
            add("given", given)
            add("file", file)
            add("consumed", consumed)
        }
        if !request.metrics.isEmpty { add("metric", metric) }
        let origins = Registration.origins(facts.origin)
        if !origins.isEmpty { add("origin", origin(origins)) }
        if !request.aliases.isEmpty {
            add("alias", alias)
            add("alias_change", aliasChange)
            add("alias_entry", aliasEntry)
        }
        if !request.requestId.isEmpty { add("request", remembered) }
        add("entry", entry)
        whole.appendLiteral(" SELECT version, created FROM version")
        return PostgresQuery(stringInterpolation: whole)
    }

    /// The version that the row is of. Nothing is read again: all else is known.
    func version(_ row: PostgresRow) throws -> Slipway.Models.V1.ModelVersion {
        let (number, created) = try row.decode((Int32, PostgresTimestamp).self)
        var version = facts
        version.model = request.name
        version.version = number
        version.uri = "models:/\(request.name)/\(number)"
        version.description = request.description
        version.files = registration.files.map(\.contract)
        version.sizeBytes = size
        version.digest = VersionRecord.digestText(registration.filesDigest)
        version.tags = request.tags
        version.properties = request.properties
        version.metrics = request.metrics
        version.aliases = request.aliases.sorted()
        version.createdBy = change.actor
        version.createdAt = Google.Protobuf.Timestamp(created)
        version.updatedAt = version.createdAt
        version.revision = 1
        return version
    }

    // MARK: parts of the statement

    /// The set's row is held, so that a purge waits.
    private var fileSet: PostgresQuery {
        switch files {
        case .known(let id):
            "SELECT id FROM registry.file_sets WHERE id = \(id) FOR KEY SHARE"
        case .new(let recognised, let generation):
            """
            INSERT INTO registry.file_sets (workspace, digest, size, file_count, recognised, recogniser)
            VALUES (\(workspace), \(registration.filesDigest), \(size), \(Int32(registration.files.count)),
                \(recognised), \(generation))
            ON CONFLICT (workspace, digest)
                DO UPDATE SET recognised = excluded.recognised, recogniser = excluded.recogniser
            RETURNING id
            """
        }
    }

    private var given: PostgresQuery {
        """
        SELECT path, digest, size FROM unnest(
            \(registration.files.map(\.path)), \(registration.files.map(\.digest.bytes)),
            \(registration.files.map(\.size))) AS each (path, digest, size)
        """
    }

    private var file: PostgresQuery {
        """
        INSERT INTO registry.files (file_set, path, digest, size)
        SELECT file_set.id, given.path, given.digest, given.size FROM file_set, given
        ON CONFLICT (file_set, path) DO NOTHING
        """
    }

    /// Locked in one order, so that two registrations with some of the same files do not wait for each other. Each is looked
    /// up by itself: a plan that was made while there were few uploads would compare all of them with all files.
    private var consumed: PostgresQuery {
        """
        DELETE FROM registry.uploads WHERE id IN (
            SELECT id FROM registry.uploads WHERE id IN (
                SELECT (SELECT u.id FROM registry.uploads AS u
                    WHERE u.workspace = \(workspace) AND u.digest = given.digest AND u.done) FROM given)
            ORDER BY id FOR UPDATE)
        """
    }

    /// Whoever comes second waits here for the first, and goes on from its number.
    private var model: PostgresQuery {
        """
        INSERT INTO registry.models AS m (workspace, name, last_version, latest_version, version_count)
        SELECT \(workspace), \(request.name), 1, 1, 1 FROM file_set
        ON CONFLICT (workspace, name) DO UPDATE SET
            last_version = m.last_version + 1, latest_version = m.last_version + 1,
            version_count = m.version_count + 1, updated = now(), revision = m.revision + 1
        RETURNING id, last_version
        """
    }

    private var version: PostgresQuery {
        var stored = facts
        stored.license = ""
        let format = facts.format ?? Slipway.Models.V1.ModelFormat()
        let origin = facts.origin ?? Slipway.Models.V1.Origin()
        let tags = PostgresJSON(RowJSON.object(request.tags))
        let properties = PostgresJSON(RowJSON.object(request.properties))
        let metrics = PostgresJSON(RowJSON.object(request.metrics))
        return """
            INSERT INTO registry.versions (
                model, workspace, name, version, file_set, size, description, format, framework, framework_version,
                license, run, experiment, git_repository, git_commit, facts, tags, properties, metrics, created_by)
            SELECT model.id, \(workspace), \(request.name), model.last_version, file_set.id, \(size),
                \(request.description), \(format.name), \(format.framework), \(format.frameworkVersion),
                \(facts.license), \(origin.run), \(origin.experiment), \(origin.git?.repository ?? ""),
                \(origin.git?.commit ?? ""), \(stored.serialized()), \(tags), \(properties), \(metrics),
                \(change.actor)
            FROM model, file_set
            RETURNING id, model, version, created
            """
    }

    private var metric: PostgresQuery {
        let sorted = request.metrics.sorted { $0.key < $1.key }
        return """
            INSERT INTO registry.metrics (version, workspace, key, value)
            SELECT version.id, \(workspace), given.key, given.value
            FROM version, unnest(\(sorted.map(\.key)), \(sorted.map(\.value))) AS given (key, value)
            """
    }

    private func origin(_ origins: [(relation: String, origin: String)]) -> PostgresQuery {
        """
        INSERT INTO registry.origins (version, workspace, relation, origin)
        SELECT version.id, \(workspace), given.relation, given.origin
        FROM version, unnest(\(origins.map(\.relation)), \(origins.map(\.origin))) AS given (relation, origin)
        """
    }

    private var alias: PostgresQuery {
        """
        INSERT INTO registry.aliases AS a (model, alias, version, workspace, target, set_by, reason, revision)
        SELECT version.model, given.alias, version.version, \(workspace), version.id, \(change.actor), \(change.reason),
            (SELECT count(*) + 1 FROM registry.alias_changes AS c
                WHERE c.model = version.model AND c.alias = given.alias)
        FROM version, unnest(\(request.aliases)) AS given (alias)
        ON CONFLICT (model, alias) DO UPDATE SET
            version = excluded.version, target = excluded.target, set_at = now(), set_by = excluded.set_by,
            reason = excluded.reason, revision = a.revision + 1
        """
    }

    private var aliasChange: PostgresQuery {
        """
        INSERT INTO registry.alias_changes (model, alias, version, by, reason)
        SELECT version.model, given.alias, version.version, \(change.actor), \(change.reason)
        FROM version, unnest(\(request.aliases)) AS given (alias)
        """
    }

    private var aliasEntry: PostgresQuery {
        Journal.insertion(
            change.entry("alias-set", ""), subject: "\("models/\(request.name)@")::text || given.alias",
            after: "jsonb_build_object('alias', given.alias, 'version', version.version)",
            from: "version, unnest(\(request.aliases)) AS given (alias)")
    }

    private var remembered: PostgresQuery {
        """
        INSERT INTO registry.requests (workspace, request, digest, version)
        SELECT \(workspace), \(request.requestId), \(registration.requestDigest), version.id FROM version
        """
    }

    private var entry: PostgresQuery {
        let after = RowJSON.members([
            ("name", RowJSON.text(request.name)),
            ("digest", RowJSON.text(VersionRecord.digestText(registration.filesDigest))),
            ("size_bytes", "\(size)"), ("format", RowJSON.text(facts.format?.name ?? "")),
            ("framework", RowJSON.text(facts.format?.framework ?? "")),
            ("run", RowJSON.text(facts.origin?.run ?? "")), ("aliases", RowJSON.array(request.aliases)),
            ("description", RowJSON.text(request.description)), ("tags", RowJSON.object(request.tags)),
            ("properties", RowJSON.object(request.properties)),
            ("metrics", RowJSON.object(request.metrics)),
        ])
        return Journal.insertion(
            change.entry("registered", ""),
            subject: "\("models/\(request.name):")::text || version.version",
            after: "\(PostgresJSON(after)) || jsonb_build_object('version', version.version)", from: "version")
    }
}
