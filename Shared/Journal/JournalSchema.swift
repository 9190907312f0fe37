import Postgres

/// The journal's tables, compiled in.
enum JournalSchema {
    static let name = "journal"

    static func migrations() throws -> PostgresMigrations {
        try PostgresMigrations(schema: name, [(name: "0001_journal", sql: first)])
    }

    /// Each row carries a digest of its content, made by a trigger, whoever inserts. The digests are chained later, by
    /// `seals`: chaining at once would make the writers wait for each other.
    private static let first = """
        CREATE SEQUENCE entries_id;
        CREATE TABLE entries (
            id bigint NOT NULL DEFAULT nextval('journal.entries_id'),
            transaction xid8 NOT NULL DEFAULT pg_current_xact_id(),
            at timestamptz NOT NULL DEFAULT now(),
            actor text NOT NULL,
            action text NOT NULL,
            subject text NOT NULL,
            workspace text,
            reason text,
            before jsonb,
            after jsonb,
            trace text,
            digest bytea NOT NULL,
            PRIMARY KEY (at, id)
        ) PARTITION BY RANGE (at);
        CREATE INDEX entries_order ON entries (transaction, id);
        CREATE INDEX entries_subject ON entries (subject, id);
        CREATE INDEX entries_workspace ON entries (workspace, id);
        -- For rows outside of every month that was prepared: an insert never fails for want of a partition.
        CREATE TABLE entries_other PARTITION OF entries DEFAULT;

        CREATE FUNCTION digest_of(
            id bigint, transaction xid8, at timestamptz, actor text, action text, subject text, workspace text,
            reason text, before jsonb, after jsonb, trace text
        ) RETURNS bytea LANGUAGE sql STABLE PARALLEL SAFE AS $$
            SELECT sha256(convert_to(jsonb_build_array(
                id, transaction::text, (extract(epoch FROM at) * 1000000)::bigint, actor, action, subject, workspace,
                reason, before, after, trace)::text, 'UTF8'))
        $$;

        CREATE FUNCTION complete_entry() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            NEW.transaction := pg_current_xact_id();
            NEW.digest := journal.digest_of(
                NEW.id, NEW.transaction, NEW.at, NEW.actor, NEW.action, NEW.subject, NEW.workspace, NEW.reason,
                NEW.before, NEW.after, NEW.trace);
            RETURN NEW;
        END $$;
        CREATE TRIGGER complete BEFORE INSERT ON entries FOR EACH ROW EXECUTE FUNCTION complete_entry();

        CREATE TABLE seals (
            number bigint PRIMARY KEY,
            from_transaction xid8 NOT NULL,
            from_id bigint NOT NULL,
            to_transaction xid8 NOT NULL,
            to_id bigint NOT NULL,
            count bigint NOT NULL,
            digest bytea NOT NULL,
            sealed_at timestamptz NOT NULL DEFAULT clock_timestamp()
        );
        -- What retention removed: seals up to this one can't be recomputed any more.
        CREATE TABLE prunings (
            seal bigint NOT NULL,
            partition text NOT NULL,
            pruned_at timestamptz NOT NULL DEFAULT clock_timestamp()
        );

        CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            RAISE EXCEPTION 'the journal is append-only' USING ERRCODE = 'insufficient_privilege';
        END $$;
        CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON entries FOR EACH ROW EXECUTE FUNCTION refuse_change();
        CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON seals FOR EACH ROW EXECUTE FUNCTION refuse_change();
        CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON prunings FOR EACH ROW EXECUTE FUNCTION refuse_change();
        CREATE TRIGGER keep_all BEFORE TRUNCATE ON entries EXECUTE FUNCTION refuse_change();
        CREATE TRIGGER keep_all BEFORE TRUNCATE ON seals EXECUTE FUNCTION refuse_change();
        CREATE TRIGGER keep_all BEFORE TRUNCATE ON prunings EXECUTE FUNCTION refuse_change();
        REVOKE UPDATE, DELETE, TRUNCATE ON entries, seals, prunings FROM PUBLIC, CURRENT_USER;
        """
}
