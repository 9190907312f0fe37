public import Loop
public import Postgres

/// The image builder's tables, compiled in.
public enum ImageSchema {
    public static let name = "images"

    public static func migrations() throws -> PostgresMigrations {
        try PostgresMigrations(schema: name, [(name: "0001_images", sql: first)])
    }

    /// Makes or updates the tables. The journal's, the identities' and the activities' must be there.
    /// - Throws: `PostgresMigrationError`, `PostgresError`.
    public static func prepare(_ configuration: PostgresConfiguration, on loop: EventLoop) async throws {
        try await migrations().apply(configuration, on: loop)
    }

    private static let first = """
        -- Names under which images were built, and the last number given out. A number is never given twice.
        CREATE TABLE names (
            workspace uuid NOT NULL,
            name text COLLATE "C" NOT NULL,
            last_version integer NOT NULL,
            PRIMARY KEY (workspace, name)
        );

        CREATE TABLE images (
            -- Grows as images are recorded: newest first is by it.
            id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
            workspace uuid NOT NULL,
            name text COLLATE "C" NOT NULL,
            version integer NOT NULL,
            -- Of the manifest. Two builds of the same ingredients have the same.
            digest bytea NOT NULL CHECK (octet_length(digest) = 32),
            size bigint NOT NULL,
            description text NOT NULL DEFAULT '',
            tags jsonb NOT NULL DEFAULT '{}',
            -- An Image message with models, base and platform, and one with recipe and layers, which lists leave out: what
            -- never changes and is not searched.
            facts bytea NOT NULL,
            contents bytea NOT NULL DEFAULT '',
            -- An EnvironmentLock message; empty where there is no Python.
            environment bytea NOT NULL DEFAULT '',
            uses_base_python boolean NOT NULL DEFAULT false,
            -- The activity that built it: it records one image, however often it is run.
            build uuid NOT NULL UNIQUE,
            created_by text NOT NULL,
            created timestamptz NOT NULL DEFAULT now(),
            updated timestamptz NOT NULL DEFAULT now(),
            deleted timestamptz,
            revision bigint NOT NULL DEFAULT 1,
            UNIQUE (workspace, name, version)
        );
        CREATE INDEX images_newest ON images (workspace, id DESC);
        CREATE INDEX images_name ON images (workspace, name, id DESC);
        CREATE INDEX images_digest ON images (workspace, digest);
        CREATE INDEX images_deleted ON images (deleted) WHERE deleted IS NOT NULL;
        CREATE INDEX images_tags ON images USING gin (tags);

        CREATE TABLE image_models (
            image bigint NOT NULL REFERENCES images ON DELETE CASCADE,
            workspace uuid NOT NULL,
            model text COLLATE "C" NOT NULL,
            version integer NOT NULL,
            PRIMARY KEY (image, model, version)
        );
        CREATE INDEX image_models_model ON image_models (workspace, model, version, image DESC);

        -- Where they have pointed, the journal knows.
        CREATE TABLE aliases (
            workspace uuid NOT NULL,
            name text COLLATE "C" NOT NULL,
            alias text COLLATE "C" NOT NULL,
            image bigint NOT NULL REFERENCES images ON DELETE CASCADE,
            set_at timestamptz NOT NULL DEFAULT now(),
            set_by text NOT NULL,
            PRIMARY KEY (workspace, name, alias)
        );
        CREATE INDEX aliases_image ON aliases (image);

        -- What deployments said of themselves, and the images that they use.
        CREATE TABLE users (
            workspace uuid NOT NULL,
            "user" text COLLATE "C" NOT NULL,
            generation bigint NOT NULL,
            reported_by text NOT NULL,
            reported timestamptz NOT NULL DEFAULT now(),
            PRIMARY KEY (workspace, "user")
        );
        CREATE TABLE uses (
            workspace uuid NOT NULL,
            "user" text COLLATE "C" NOT NULL,
            image bigint NOT NULL REFERENCES images,
            PRIMARY KEY (workspace, "user", image),
            FOREIGN KEY (workspace, "user") REFERENCES users ON DELETE CASCADE
        );
        CREATE INDEX uses_image ON uses (image);

        -- Trees that somebody brought.
        CREATE TABLE sources (
            id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
            workspace uuid NOT NULL,
            digest bytea NOT NULL CHECK (octet_length(digest) = 32),
            size bigint NOT NULL,
            file_count integer NOT NULL,
            -- When it was brought, or taken up by a build.
            touched timestamptz NOT NULL DEFAULT now(),
            UNIQUE (workspace, digest)
        );
        CREATE INDEX sources_touched ON sources (touched);
        CREATE TABLE source_files (
            source bigint NOT NULL REFERENCES sources ON DELETE CASCADE,
            path text COLLATE "C" NOT NULL,
            digest bytea NOT NULL CHECK (octet_length(digest) = 32),
            size bigint NOT NULL,
            executable boolean NOT NULL,
            PRIMARY KEY (source, path)
        );
        CREATE INDEX source_files_digest ON source_files (digest);
        CREATE TABLE image_sources (
            image bigint NOT NULL REFERENCES images ON DELETE CASCADE,
            source bigint NOT NULL REFERENCES sources,
            PRIMARY KEY (image, source)
        );
        CREATE INDEX image_sources_source ON image_sources (source);

        -- Blobs that an image needs: its manifest, configuration and layers, and the files of its packages.
        CREATE TABLE image_blobs (
            image bigint NOT NULL REFERENCES images ON DELETE CASCADE,
            digest bytea NOT NULL CHECK (octet_length(digest) = 32),
            PRIMARY KEY (image, digest)
        );
        CREATE INDEX image_blobs_digest ON image_blobs (digest);

        -- Builds under way and what they hold. A build whose activity has ended holds nothing, whatever stands here.
        CREATE TABLE builds (
            id uuid PRIMARY KEY,
            workspace uuid NOT NULL,
            begun timestamptz NOT NULL DEFAULT now()
        );
        CREATE TABLE build_sources (
            build uuid NOT NULL REFERENCES builds ON DELETE CASCADE,
            source bigint NOT NULL REFERENCES sources,
            PRIMARY KEY (build, source)
        );
        CREATE INDEX build_sources_source ON build_sources (source);
        CREATE TABLE build_blobs (
            build uuid NOT NULL REFERENCES builds ON DELETE CASCADE,
            digest bytea NOT NULL CHECK (octet_length(digest) = 32),
            PRIMARY KEY (build, digest)
        );
        CREATE INDEX build_blobs_digest ON build_blobs (digest);

        -- Layers and locks by everything that decided them. What they name may be gone from the store.
        CREATE TABLE layers (
            key text COLLATE "C" PRIMARY KEY,
            media_type text NOT NULL,
            digest bytea NOT NULL CHECK (octet_length(digest) = 32),
            size bigint NOT NULL,
            -- Of the archive before compression.
            contents bytea NOT NULL CHECK (octet_length(contents) = 32),
            used timestamptz NOT NULL DEFAULT now()
        );
        CREATE INDEX layers_used ON layers (used);
        CREATE TABLE locks (
            key text COLLATE "C" PRIMARY KEY,
            -- An EnvironmentLock message.
            lock bytea NOT NULL,
            uses_base_python boolean NOT NULL,
            used timestamptz NOT NULL DEFAULT now()
        );
        CREATE INDEX locks_used ON locks (used);

        -- What the registry is to know of the models that something here uses: what is so, and what it has accepted.
        CREATE TABLE reports (
            workspace uuid NOT NULL,
            workspace_name text NOT NULL,
            "user" text COLLATE "C" NOT NULL,
            -- In whose name it is reported.
            principal uuid NOT NULL,
            versions text[] NOT NULL,
            state text NOT NULL DEFAULT '',
            generation bigint NOT NULL,
            accepted bigint NOT NULL DEFAULT 0,
            -- Reported only after this one's was accepted, so that a model is never without anybody who uses it.
            behind text COLLATE "C",
            build uuid,
            attempts integer NOT NULL DEFAULT 0,
            due timestamptz NOT NULL DEFAULT now(),
            PRIMARY KEY (workspace, "user")
        );
        CREATE INDEX reports_due ON reports (due) WHERE accepted < generation;
        CREATE INDEX reports_build ON reports (build) WHERE build IS NOT NULL;
        """
}
