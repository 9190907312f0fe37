import Postgres

/// The tables of principals, workspaces and tokens, compiled in.
enum IdentitySchema {
    static let name = "identity"
    /// Where every change is told, whoever makes it.
    static let channel = "slipway_identity"

    static func migrations() throws -> PostgresMigrations {
        try PostgresMigrations(schema: name, [(name: "0001_identity", sql: first)])
    }

    private static let first = """
        CREATE TABLE principals (
            id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
            kind text NOT NULL CHECK (kind IN ('person', 'service', 'deployment')),
            name text NOT NULL UNIQUE,
            created timestamptz NOT NULL DEFAULT now(),
            disabled timestamptz
        );
        CREATE TABLE administrators (
            principal uuid PRIMARY KEY REFERENCES principals
        );
        CREATE TABLE workspaces (
            id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
            name text NOT NULL UNIQUE,
            created timestamptz NOT NULL DEFAULT now(),
            archived timestamptz
        );
        CREATE TABLE members (
            workspace uuid NOT NULL REFERENCES workspaces,
            principal uuid NOT NULL REFERENCES principals,
            role text NOT NULL CHECK (role IN ('reader', 'contributor', 'owner')),
            since timestamptz NOT NULL DEFAULT now(),
            PRIMARY KEY (workspace, principal)
        );
        CREATE INDEX members_principal ON members (principal);
        CREATE TABLE tokens (
            id text PRIMARY KEY,
            principal uuid NOT NULL REFERENCES principals,
            name text NOT NULL,
            -- SHA-256 of the whole token. The token itself is nowhere.
            digest bytea NOT NULL CHECK (octet_length(digest) = 32),
            workspace uuid REFERENCES workspaces,
            ceiling text CHECK (ceiling IN ('reader', 'contributor', 'owner')),
            created timestamptz NOT NULL DEFAULT now(),
            expires timestamptz,
            revoked timestamptz,
            -- To ten minutes, for whoever cleans up.
            last_used timestamptz
        );
        CREATE INDEX tokens_principal ON tokens (principal);
        CREATE TABLE certificates (
            -- sha256:…, uri:… or dns:…
            name text PRIMARY KEY,
            principal uuid NOT NULL REFERENCES principals
        );
        CREATE INDEX certificates_principal ON certificates (principal);

        CREATE FUNCTION tell_token() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            PERFORM pg_notify('slipway_identity', 'token ' || coalesce(NEW.id, OLD.id));
            RETURN NULL;
        END $$;
        CREATE FUNCTION tell_principal() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF OLD IS NOT NULL THEN PERFORM pg_notify('slipway_identity', 'principal ' || OLD.principal); END IF;
            IF NEW IS NOT NULL THEN PERFORM pg_notify('slipway_identity', 'principal ' || NEW.principal); END IF;
            RETURN NULL;
        END $$;
        CREATE FUNCTION tell_self() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            PERFORM pg_notify('slipway_identity', 'principal ' || coalesce(NEW.id, OLD.id));
            RETURN NULL;
        END $$;
        CREATE FUNCTION tell_all() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            PERFORM pg_notify('slipway_identity', 'all');
            RETURN NULL;
        END $$;
        -- Not for last_used: that changes nothing.
        CREATE TRIGGER tell AFTER DELETE OR UPDATE OF id, principal, digest, workspace, ceiling, expires, revoked
            ON tokens FOR EACH ROW EXECUTE FUNCTION tell_token();
        CREATE TRIGGER tell_new AFTER INSERT ON tokens FOR EACH ROW EXECUTE FUNCTION tell_token();
        CREATE TRIGGER tell AFTER INSERT OR UPDATE OR DELETE ON members
            FOR EACH ROW EXECUTE FUNCTION tell_principal();
        CREATE TRIGGER tell AFTER INSERT OR UPDATE OR DELETE ON administrators
            FOR EACH ROW EXECUTE FUNCTION tell_principal();
        CREATE TRIGGER tell AFTER UPDATE OR DELETE ON principals FOR EACH ROW EXECUTE FUNCTION tell_self();
        -- Rare, and of many principals at once.
        CREATE TRIGGER tell AFTER UPDATE OR DELETE ON workspaces
            FOR EACH STATEMENT EXECUTE FUNCTION tell_all();
        CREATE TRIGGER tell AFTER INSERT OR UPDATE OR DELETE ON certificates
            FOR EACH STATEMENT EXECUTE FUNCTION tell_all();
        """
}
