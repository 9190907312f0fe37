import Loop

extension PostgresPool {
    /// Runs `body` unless somebody else is at the work of that name, in whatever process: for the sake of what it costs, not
    /// of correctness, because a connection that breaks lets the next one begin.
    /// - Returns: nil where somebody else is at it.
    public func alone<Result>(_ name: String, _ body: () async throws -> Result) async throws -> Result? {
        try await withConnection { connection in
            let isMine = try await connection.query(
                "SELECT pg_try_advisory_lock(hashtextextended(\(name), 0))"
            ).all(Bool.self).first
            guard isMine == true else { return nil }
            do {
                let result = try await body()
                try await connection.execute("SELECT pg_advisory_unlock(hashtextextended(\(name), 0))")
                return result
            } catch {
                // The lock goes with its session.
                connection.close()
                throw error
            }
        }
    }
}
