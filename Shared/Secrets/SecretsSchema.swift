import Postgres

/// The table of secrets, compiled in.
enum SecretsSchema {
    static let name = "secrets"

    static func migrations() throws -> PostgresMigrations {
        try PostgresMigrations(schema: name, [(name: "0001_secrets", sql: first)])
    }

    private static let first = """
        CREATE TABLE secrets (
            workspace uuid NOT NULL,
            name text NOT NULL,
            -- Goes on after the secret was removed and made anew, so that no two values were ever of one version.
            version bigint NOT NULL,
            -- Which key it was written with.
            key_id text NOT NULL,
            nonce bytea NOT NULL CHECK (octet_length(nonce) = 12),
            -- AES-256-GCM with its tag behind it, bound to workspace, name and version.
            sealed bytea NOT NULL,
            changed timestamptz NOT NULL DEFAULT now(),
            PRIMARY KEY (workspace, name)
        );
        CREATE INDEX secrets_key ON secrets (key_id);
        CREATE SEQUENCE versions;
        """
}
