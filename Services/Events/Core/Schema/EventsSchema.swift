public import Loop
public import Postgres

/// The tables of the events service, compiled in.
public enum EventsSchema {
    public static let name = "events"
    /// A shard's number is sent here whenever one of its subscriptions was changed by somebody.
    static let channel = "slipway_subscriptions"
    /// Into so many parts the subscriptions are divided, each of which one instance works on at a time.
    static let shards = 16

    public static func migrations() throws -> PostgresMigrations {
        try PostgresMigrations(schema: name, [(name: "0001_events", sql: first)])
    }

    /// Makes or updates the tables. The journal's must be there.
    /// - Throws: `PostgresMigrationError`, `PostgresError`.
    public static func prepare(_ configuration: PostgresConfiguration, on loop: EventLoop) async throws {
        try await migrations().apply(configuration, on: loop)
    }

    private static let first = """
        CREATE TABLE subscriptions (
            id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
            shard integer NOT NULL GENERATED ALWAYS AS (id % 16) STORED,
            workspace uuid NOT NULL,
            -- As the journal names it.
            workspace_name text NOT NULL,
            name text COLLATE "C" NOT NULL,
            description text NOT NULL DEFAULT '',
            filter text NOT NULL DEFAULT '',
            -- A Destination message, without the values of headers.
            destination bytea NOT NULL,
            -- The secret that holds these and what signs deliveries; empty where there is neither.
            secret text NOT NULL DEFAULT '',
            ordered boolean NOT NULL DEFAULT false,
            concurrency integer NOT NULL,
            attempts integer NOT NULL,
            age_seconds bigint NOT NULL,
            state text NOT NULL DEFAULT 'active' CHECK (state IN ('active', 'paused', 'ended')),
            reason text NOT NULL DEFAULT '',
            created_by text NOT NULL,
            created timestamptz NOT NULL DEFAULT now(),
            updated timestamptz NOT NULL DEFAULT now(),
            revision bigint NOT NULL DEFAULT 1,
            UNIQUE (workspace, name)
        );
        CREATE INDEX subscriptions_shard ON subscriptions (shard);

        -- How far each is: small rows that change often, with room to change in place.
        CREATE TABLE progress (
            subscription bigint PRIMARY KEY REFERENCES subscriptions ON DELETE CASCADE,
            -- Grows when somebody moves the cursor but the relay itself, which then forgets what it was about.
            epoch bigint NOT NULL DEFAULT 0,
            -- Everything up to there is delivered, waits in a row of its own, or was given up.
            cursor_transaction bigint NOT NULL,
            cursor_id bigint NOT NULL,
            -- Read from the journal and not delivered yet, when it was last written.
            pending bigint NOT NULL DEFAULT 0,
            delivered bigint NOT NULL DEFAULT 0,
            last_delivered timestamptz,
            closed_until timestamptz,
            failure text NOT NULL DEFAULT ''
        ) WITH (fillfactor = 50);

        -- Events that failed, or that wait behind one of their subject that did. What they say is in the journal.
        CREATE TABLE waiting (
            subscription bigint NOT NULL REFERENCES subscriptions ON DELETE CASCADE,
            transaction bigint NOT NULL,
            id bigint NOT NULL,
            event text NOT NULL,
            -- Where events of one subject keep their order; empty elsewhere.
            subject text NOT NULL DEFAULT '',
            attempts integer NOT NULL DEFAULT 0,
            since timestamptz NOT NULL,
            due timestamptz NOT NULL,
            outcome text NOT NULL DEFAULT '',
            -- An Event message, for one that was a dead letter: the journal may not have it any more.
            content bytea,
            PRIMARY KEY (subscription, transaction, id)
        );
        CREATE INDEX waiting_due ON waiting (subscription, due);
        CREATE INDEX waiting_subject ON waiting (subscription, subject, transaction, id) WHERE subject <> '';

        CREATE TABLE dead_letters (
            number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
            subscription bigint NOT NULL REFERENCES subscriptions ON DELETE CASCADE,
            transaction bigint NOT NULL,
            id bigint NOT NULL,
            event text NOT NULL,
            -- An Event message: a dead letter tells everything even when the journal forgot.
            content bytea NOT NULL,
            reason text NOT NULL,
            attempts integer NOT NULL,
            outcome text NOT NULL,
            last_attempt timestamptz,
            died timestamptz NOT NULL DEFAULT now(),
            UNIQUE (subscription, transaction, id)
        );
        CREATE INDEX dead_letters_newest ON dead_letters (subscription, number);

        -- Attempts at delivery. Every one that failed, and as many of the others as the settings say.
        CREATE TABLE deliveries (
            number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
            subscription bigint NOT NULL REFERENCES subscriptions ON DELETE CASCADE,
            attempt_id text NOT NULL,
            -- The events' ids, a line each.
            events text NOT NULL,
            attempt integer NOT NULL,
            at timestamptz NOT NULL,
            took_us bigint NOT NULL,
            status integer NOT NULL,
            outcome text NOT NULL,
            delivered boolean NOT NULL,
            next timestamptz
        );
        CREATE INDEX deliveries_newest ON deliveries (subscription, number);
        CREATE INDEX deliveries_at ON deliveries (at);
        """
}
