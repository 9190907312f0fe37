public import Loop
public import Postgres

/// The registry's tables, compiled in.
public enum RegistrySchema {
    public static let name = "registry"

    public static func migrations() throws -> PostgresMigrations {
        try PostgresMigrations(schema: name, [(name: "0001_registry", sql: first), (name: "0002_search", sql: search)])
    }

    /// Makes or updates the tables. The journal's and the identities' must be there.
    /// - Throws: `PostgresMigrationError`, `PostgresError`.
    public static func prepare(_ configuration: PostgresConfiguration, on loop: EventLoop) async throws {
        try await migrations().apply(configuration, on: loop)
    }

    private static let first = """
        CREATE TABLE models (
            id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
            workspace uuid NOT NULL,
            name text COLLATE "C" NOT NULL,
            description text NOT NULL DEFAULT '',
            tags jsonb NOT NULL DEFAULT '{}',
            -- The last number given out. A number is never given twice.
            last_version integer NOT NULL DEFAULT 0,
            -- The highest version that is not deleted, and how many are not.
            latest_version integer,
            version_count integer NOT NULL DEFAULT 0,
            created timestamptz NOT NULL DEFAULT now(),
            updated timestamptz NOT NULL DEFAULT now(),
            revision bigint NOT NULL DEFAULT 1,
            UNIQUE (workspace, name)
        );

        -- Sets of files. Versions with the same files share one.
        CREATE TABLE file_sets (
            id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
            workspace uuid NOT NULL,
            -- SHA-256 over the sorted paths and digests.
            digest bytea NOT NULL CHECK (octet_length(digest) = 32),
            size bigint NOT NULL,
            file_count integer NOT NULL,
            -- What the files themselves tell, as a ModelVersion message, and which generation of the recogniser read it.
            recognised bytea NOT NULL DEFAULT '',
            recogniser integer NOT NULL DEFAULT 0,
            UNIQUE (workspace, digest)
        );
        CREATE TABLE files (
            file_set bigint NOT NULL REFERENCES file_sets ON DELETE CASCADE,
            path text COLLATE "C" NOT NULL,
            digest bytea NOT NULL CHECK (octet_length(digest) = 32),
            size bigint NOT NULL,
            PRIMARY KEY (file_set, path)
        );
        -- What the collection of blobs and `FindMissing` ask.
        CREATE INDEX files_digest ON files (digest);

        CREATE TABLE versions (
            -- Grows as versions are registered: newest first is by it.
            id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
            model bigint NOT NULL REFERENCES models,
            -- The model's, for searches.
            workspace uuid NOT NULL,
            name text COLLATE "C" NOT NULL,
            version integer NOT NULL,
            file_set bigint NOT NULL REFERENCES file_sets,
            size bigint NOT NULL,
            description text NOT NULL DEFAULT '',
            format text NOT NULL DEFAULT 'unknown',
            framework text NOT NULL DEFAULT '',
            framework_version text NOT NULL DEFAULT '',
            license text NOT NULL DEFAULT '',
            run text NOT NULL DEFAULT '',
            experiment text NOT NULL DEFAULT '',
            git_repository text NOT NULL DEFAULT '',
            git_commit text NOT NULL DEFAULT '',
            -- A ModelVersion message with format, signature, origin and warnings: what never changes and is not searched.
            facts bytea NOT NULL,
            tags jsonb NOT NULL DEFAULT '{}',
            properties jsonb NOT NULL DEFAULT '{}',
            metrics jsonb NOT NULL DEFAULT '{}',
            created_by text NOT NULL,
            created timestamptz NOT NULL DEFAULT now(),
            updated timestamptz NOT NULL DEFAULT now(),
            deleted timestamptz,
            revision bigint NOT NULL DEFAULT 1,
            UNIQUE (model, version)
        );
        CREATE INDEX versions_newest ON versions (workspace, id DESC);
        CREATE INDEX versions_name ON versions (workspace, name, version);
        -- What searches ask for, newest first. Rare values would else be looked for in every row.
        CREATE INDEX versions_framework ON versions (workspace, framework, id DESC);
        CREATE INDEX versions_format ON versions (workspace, format, id DESC);
        CREATE INDEX versions_license ON versions (workspace, license, id DESC);
        CREATE INDEX versions_author ON versions (workspace, created_by, id DESC);
        CREATE INDEX versions_experiment ON versions (workspace, experiment, id DESC);
        CREATE INDEX versions_run ON versions (workspace, run);
        CREATE INDEX versions_commit ON versions (workspace, git_commit text_pattern_ops);
        -- What searches order by.
        CREATE INDEX versions_created ON versions (workspace, created);
        CREATE INDEX versions_updated ON versions (workspace, updated DESC, id DESC);
        CREATE INDEX versions_size ON versions (workspace, size DESC, id DESC);
        CREATE INDEX versions_file_set ON versions (file_set);
        -- Equality of tags and properties.
        CREATE INDEX versions_tags ON versions USING gin (tags jsonb_path_ops);
        CREATE INDEX versions_properties ON versions USING gin (properties jsonb_path_ops);

        -- Metrics again, by value: a range of one is a range of this index.
        CREATE TABLE metrics (
            version bigint NOT NULL REFERENCES versions ON DELETE CASCADE,
            workspace uuid NOT NULL,
            key text COLLATE "C" NOT NULL,
            value double precision NOT NULL,
            PRIMARY KEY (version, key)
        );
        CREATE INDEX metrics_value ON metrics (workspace, key, value, version);

        CREATE TABLE aliases (
            model bigint NOT NULL REFERENCES models,
            alias text COLLATE "C" NOT NULL,
            version integer NOT NULL,
            set_at timestamptz NOT NULL DEFAULT now(),
            set_by text NOT NULL,
            reason text NOT NULL DEFAULT '',
            revision bigint NOT NULL DEFAULT 1,
            PRIMARY KEY (model, alias),
            FOREIGN KEY (model, version) REFERENCES versions (model, version)
        );
        CREATE INDEX aliases_version ON aliases (model, version);
        -- Where aliases have pointed: no version where one was removed.
        CREATE TABLE alias_changes (
            id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
            model bigint NOT NULL REFERENCES models,
            alias text COLLATE "C" NOT NULL,
            version integer,
            at timestamptz NOT NULL DEFAULT now(),
            by text NOT NULL,
            reason text NOT NULL DEFAULT ''
        );
        CREATE INDEX alias_changes_alias ON alias_changes (model, alias, id DESC);

        -- Requests that registered a version, so that a repeated one gets the same answer.
        CREATE TABLE requests (
            workspace uuid NOT NULL,
            request text NOT NULL,
            -- SHA-256 of the request: another one under the same name is an error.
            digest bytea NOT NULL,
            version bigint NOT NULL REFERENCES versions ON DELETE CASCADE,
            at timestamptz NOT NULL DEFAULT now(),
            PRIMARY KEY (workspace, request)
        );
        CREATE INDEX requests_at ON requests (at);

        -- Uploads: under way, and done but in no version yet.
        CREATE TABLE uploads (
            -- The blob store's name for it.
            id text PRIMARY KEY,
            workspace uuid NOT NULL,
            digest bytea NOT NULL CHECK (octet_length(digest) = 32),
            size bigint NOT NULL,
            by text NOT NULL,
            created timestamptz NOT NULL DEFAULT now(),
            updated timestamptz NOT NULL DEFAULT now(),
            done boolean NOT NULL DEFAULT false,
            UNIQUE (workspace, digest)
        );
        -- How many a workspace has begun.
        CREATE INDEX uploads_begun ON uploads (workspace) WHERE NOT done;
        CREATE INDEX uploads_updated ON uploads (updated);
        CREATE INDEX uploads_digest ON uploads (digest);

        -- What images and deployments said of themselves, and the versions and images that they use.
        CREATE TABLE users (
            workspace uuid NOT NULL,
            "user" text COLLATE "C" NOT NULL,
            kind text NOT NULL CHECK (kind IN ('image', 'deployment')),
            state text NOT NULL DEFAULT '',
            generation bigint NOT NULL,
            reported_by text NOT NULL,
            reported timestamptz NOT NULL DEFAULT now(),
            PRIMARY KEY (workspace, "user")
        );
        CREATE TABLE uses (
            workspace uuid NOT NULL,
            "user" text COLLATE "C" NOT NULL,
            version bigint NOT NULL REFERENCES versions,
            PRIMARY KEY (workspace, "user", version),
            FOREIGN KEY (workspace, "user") REFERENCES users ON DELETE CASCADE
        );
        CREATE INDEX uses_version ON uses (version);
        CREATE TABLE image_uses (
            workspace uuid NOT NULL,
            "user" text COLLATE "C" NOT NULL,
            image text COLLATE "C" NOT NULL,
            PRIMARY KEY (workspace, "user", image),
            FOREIGN KEY (workspace, "user") REFERENCES users ON DELETE CASCADE
        );
        CREATE INDEX image_uses_image ON image_uses (workspace, image);

        -- The other ends of lineage, one row for each, so that they can be looked up from either side.
        CREATE TABLE origins (
            version bigint NOT NULL REFERENCES versions ON DELETE CASCADE,
            workspace uuid NOT NULL,
            relation text NOT NULL CHECK (relation IN ('run', 'dataset', 'commit', 'parent')),
            origin text COLLATE "C" NOT NULL,
            PRIMARY KEY (version, relation, origin)
        );
        CREATE INDEX origins_origin ON origins (workspace, relation, origin);
        """

    private static let search = """
        -- Which version an alias points to, by that version's own number: searches begin here, and go by it.
        ALTER TABLE aliases ADD COLUMN workspace uuid, ADD COLUMN target bigint;
        UPDATE aliases AS a SET workspace = v.workspace, target = v.id
        FROM versions AS v WHERE v.model = a.model AND v.version = a.version;
        ALTER TABLE aliases ALTER COLUMN workspace SET NOT NULL, ALTER COLUMN target SET NOT NULL;
        CREATE INDEX aliases_target ON aliases (workspace, alias, target);
        -- Of these one often follows from another: taken as independent, a search for both looks in the wrong place.
        CREATE STATISTICS versions_kinds (mcv) ON framework, format, license, experiment FROM versions;
        """
}
