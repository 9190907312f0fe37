import Access
import Journal
import Loop
import Postgres
import ServiceKit

/// What can be told of a secret.
public struct SecretRecord: Sendable, Hashable, PostgresRowDecodable {
    public let name: String
    public let version: Int64
    public let keyID: String
    public let changed: PostgresTimestamp

    public init(row: PostgresRow) throws {
        name = try row.decode("name")
        version = try row.decode("version")
        keyID = try row.decode("key_id")
        changed = try row.decode("changed")
    }
}

/// The secrets of workspaces, encrypted with a key that the database never sees. A row is bound to its workspace, name and
/// version: put elsewhere it can't be read. Changes go into the journal, values do not.
///
/// Errors that callers can mend are `SecretError`; all others are `PostgresError`.
public struct SecretStore: Sendable {
    /// The longest value.
    public static let bytesMax = 64 * 1024

    private let pool: PostgresPool
    private let keys: SecretKeys
    private let redactor: Redactor?

    /// - Parameter redactor: keeps every value that was read or written here out of the logs.
    public init(_ pool: PostgresPool, keys: SecretKeys, redactor: Redactor? = nil) {
        self.pool = pool
        self.keys = keys
        self.redactor = redactor
    }

    /// Makes or updates the table. The journal's must be there.
    /// - Throws: `PostgresMigrationError`, `PostgresError`.
    public static func prepare(_ configuration: PostgresConfiguration, on loop: EventLoop) async throws {
        try await SecretsSchema.migrations().apply(configuration, on: loop)
    }

    /// Keeps a value under a name, in place of one that was there.
    public func set(
        _ name: String, _ value: Secret, in workspace: Workspace, by actor: String, reason: String? = nil
    ) async throws {
        try SecretStore.check(name)
        redactor?.add([value])
        let plain = Array(value.reveal().utf8)
        guard plain.count <= SecretStore.bytesMax else {
            throw SecretError.malformed(
                field: "value", "it has \(plain.count) bytes, and may have \(SecretStore.bytesMax)")
        }
        let place = PostgresUUID(high: workspace.id.high, low: workspace.id.low)
        try await pool.transaction { transaction in
            // Two who set one name at once: one after the other.
            let (version, before) = try await transaction.query(
                """
                SELECT nextval('secrets.versions'), (
                    SELECT version FROM secrets.secrets WHERE workspace = \(place) AND name = \(name))
                FROM pg_advisory_xact_lock(hashtextextended(\("slipway secret \(place) \(name)"), 0))
                """
            ).all((Int64, Int64?).self)[0]
            let context = SecretStore.context(workspace, name, version)
            let nonce = SecretCipher.random(SecretCipher.nonceCount)
            guard let sealed = SecretCipher.seal(plain, keys.current, nonce: nonce, context: context) else {
                throw SecretError.key("the cryptographic library can't encrypt")
            }
            try await transaction.execute(
                """
                INSERT INTO secrets.secrets (workspace, name, version, key_id, nonce, sealed)
                VALUES (\(place), \(name), \(version), \(keys.current.id), \(nonce), \(sealed))
                ON CONFLICT (workspace, name) DO UPDATE SET version = excluded.version, key_id = excluded.key_id,
                    nonce = excluded.nonce, sealed = excluded.sealed, changed = now()
                """)
            try await record(
                "set", name, workspace, actor, reason, before: before, after: version, in: transaction)
        }
    }

    /// - Throws: `SecretError.notFound`, `.unknownKey`, `.damaged`.
    public func get(_ name: String, in workspace: Workspace) async throws -> Secret {
        let place = PostgresUUID(high: workspace.id.high, low: workspace.id.low)
        let rows = try await pool.read(
            "SELECT version, key_id, nonce, sealed FROM secrets.secrets WHERE workspace = \(place) AND name = \(name)")
        guard let (version, keyID, nonce, sealed) = try rows.all((Int64, String, [UInt8], [UInt8]).self).first else {
            throw SecretError.notFound(name)
        }
        guard let key = keys.key(keyID) else {
            throw SecretError.unknownKey(name: name, keyID: keyID, known: keys.ids)
        }
        let context = SecretStore.context(workspace, name, version)
        guard let plain = SecretCipher.open(sealed, key, nonce: nonce, context: context),
            let text = String(validating: plain, as: UTF8.self)
        else { throw SecretError.damaged(name: name) }
        let value = Secret(text)
        redactor?.add([value])
        return value
    }

    /// - Throws: `SecretError.notFound`.
    public func remove(
        _ name: String, in workspace: Workspace, by actor: String, reason: String? = nil
    ) async throws {
        let place = PostgresUUID(high: workspace.id.high, low: workspace.id.low)
        try await pool.transaction { transaction in
            let removed = try await transaction.query(
                "DELETE FROM secrets.secrets WHERE workspace = \(place) AND name = \(name) RETURNING version"
            ).all(Int64.self)
            guard let before = removed.first else { throw SecretError.notFound(name) }
            try await record("remove", name, workspace, actor, reason, before: before, after: nil, in: transaction)
        }
    }

    /// The names of a workspace's secrets, and what can be told of them.
    public func list(in workspace: Workspace) async throws -> [SecretRecord] {
        let place = PostgresUUID(high: workspace.id.high, low: workspace.id.low)
        return try await pool.read(
            "SELECT name, version, key_id, changed FROM secrets.secrets WHERE workspace = \(place) ORDER BY name"
        ).all(SecretRecord.self)
    }

    /// Says at the start what would otherwise show later, with each secret: that a key is missing.
    /// - Throws: `SecretError.unknownKey` with one secret that can't be read.
    public func check() async throws {
        let strange = try await pool.read(
            "SELECT name, key_id FROM secrets.secrets WHERE key_id <> ALL(\(keys.ids)) ORDER BY changed LIMIT 1"
        ).all((String, String).self)
        guard let (name, keyID) = strange.first else { return }
        throw SecretError.unknownKey(name: name, keyID: keyID, known: keys.ids)
    }

    private func record(
        _ action: String, _ name: String, _ workspace: Workspace, _ actor: String, _ reason: String?, before: Int64?,
        after: Int64?, in transaction: PostgresTransaction
    ) async throws {
        let entry = JournalEntry(
            actor: actor, action: "secret.\(action)", subject: "secrets/\(name)", workspace: workspace.name,
            reason: reason, before: before.map { PostgresJSON("{\"version\":\($0)}") },
            after: after.map { PostgresJSON("{\"version\":\($0)}") },
            traceID: TraceContext.current.map { "\($0.traceID)" })
        try await Journal.append(entry, in: transaction)
    }

    /// What a row is bound to. Lengths are fixed but for the last part, so that no two read alike.
    private static func context(_ workspace: Workspace, _ name: String, _ version: Int64) -> [UInt8] {
        var bytes = Array("slipway secret 1".utf8)
        for word in [workspace.id.high, workspace.id.low, UInt64(bitPattern: version)] {
            for shift in stride(from: 56, through: 0, by: -8) { bytes.append(UInt8(truncatingIfNeeded: word >> shift)) }
        }
        return bytes + name.utf8
    }

    private static func check(_ name: String) throws(SecretError) {
        let isFine = name.utf8.allSatisfy { byte in
            (byte | 0x20 >= UInt8(ascii: "a") && byte | 0x20 <= UInt8(ascii: "z"))
                || (byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9")) || "._-/".utf8.contains(byte)
        }
        guard isFine, !name.isEmpty, name.utf8.count <= 200 else {
            throw .malformed(field: "name", "a secret's name has up to 200 of a–z, A–Z, 0–9, '.', '_', '-' and '/'")
        }
    }
}
