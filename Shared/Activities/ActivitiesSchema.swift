import Postgres

/// The activities' tables, compiled in.
enum ActivitiesSchema {
    static func migrations() throws -> PostgresMigrations {
        try PostgresMigrations(schema: "activities", [(name: "0001_activities", sql: first)])
    }

    /// Who follows an activity hears of every change through the trigger, which no statement can forget.
    private static let first = """
        CREATE TABLE activities (
            id uuid PRIMARY KEY,
            workspace text NOT NULL,
            kind text NOT NULL,
            subject text NOT NULL,
            actor text NOT NULL,
            key text,
            state text NOT NULL
                CHECK (state IN ('pending', 'running', 'cancelling', 'succeeded', 'failed', 'cancelled')),
            input jsonb,
            checkpoint jsonb,
            result jsonb,
            error_code text,
            error_message text,
            fraction float8,
            step text NOT NULL DEFAULT '',
            message text NOT NULL DEFAULT '',
            attempts int NOT NULL DEFAULT 0,
            attempts_max int NOT NULL,
            fence bigint NOT NULL DEFAULT 0,
            worker text,
            log_lines bigint NOT NULL DEFAULT 0,
            cancelled_by text,
            trace text,
            revision bigint NOT NULL DEFAULT 0,
            created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
            started_at timestamptz,
            finished_at timestamptz
        );
        CREATE UNIQUE INDEX activities_key ON activities (workspace, kind, key) WHERE key IS NOT NULL;
        CREATE INDEX activities_order ON activities (workspace, created_at, id);
        CREATE INDEX activities_subject ON activities (workspace, subject, created_at, id);
        CREATE INDEX activities_live ON activities (workspace, state, created_at, id)
            WHERE state IN ('pending', 'running', 'cancelling');
        CREATE INDEX activities_finished ON activities (finished_at) WHERE finished_at IS NOT NULL;

        CREATE TABLE log (
            activity uuid NOT NULL REFERENCES activities ON DELETE CASCADE,
            number bigint NOT NULL,
            at timestamptz NOT NULL,
            text text NOT NULL,
            PRIMARY KEY (activity, number)
        );

        CREATE FUNCTION announce() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            NEW.revision := NEW.revision + 1;
            PERFORM pg_notify('slipway_activities', NEW.id::text);
            IF NEW.state = 'cancelling' THEN
                PERFORM pg_notify('slipway_activities', 'cancel ' || NEW.id::text);
            END IF;
            RETURN NEW;
        END $$;
        CREATE TRIGGER announce BEFORE INSERT OR UPDATE ON activities FOR EACH ROW EXECUTE FUNCTION announce();
        """
}
