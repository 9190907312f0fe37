import Postgres

extension RegistryStore {
    /// Forgets which requests registered what, after the time for which a repeated one gets its version back. To be called now
    /// and then.
    /// - Returns: how many were forgotten.
    @discardableResult
    public func forgetRequests(olderThan age: Duration = .seconds(86_400)) async throws -> Int {
        let seconds = Double(age.components.seconds)
        var forgotten = 0
        while true {
            // A part at a time, so that nobody waits for long.
            let count = try await pool.execute(
                """
                DELETE FROM registry.requests WHERE (workspace, request) IN (
                    SELECT workspace, request FROM registry.requests
                    WHERE at < now() - \(seconds) * interval '1 second' ORDER BY at LIMIT 1000)
                """)
            forgotten += count
            guard count == 1000 else { return forgotten }
        }
    }
}
