import Postgres

/// The leases' tables, compiled in.
enum LeasesSchema {
    static func migrations() throws -> PostgresMigrations {
        try PostgresMigrations(schema: "leases", [(name: "0001_leases", sql: first)])
    }

    /// `claimable_at` says all there is to say of a lease's state: offered work may be claimed since then, held work
    /// from then on.
    ///
    /// The fence belongs to a key, so that a take-over, which changes it, excludes transactions that share the key
    /// (`FOR KEY SHARE`), while a heartbeat, which does not, passes beside them.
    private static let first = """
        CREATE SEQUENCE fences;
        CREATE TABLE leases (
            kind text NOT NULL,
            name text NOT NULL,
            fence bigint NOT NULL DEFAULT 0,
            holder text,
            claimable_at timestamptz NOT NULL DEFAULT clock_timestamp(),
            PRIMARY KEY (kind, name),
            UNIQUE (kind, name, fence)
        );
        CREATE INDEX leases_claimable ON leases (kind, claimable_at);
        """
}
