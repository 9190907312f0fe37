/// Where locks are found again that were resolved before, by everything that decided them. Shared by all builders.
public protocol LockMemory: Sendable {
    func find(_ key: String) async throws -> EnvironmentLock?
    /// Keeps a lock under the key; where another builder was first, its lock stays and is returned: one request has one
    /// lock.
    func keep(_ key: String, _ lock: EnvironmentLock) async throws -> EnvironmentLock
}
