import Glibc
import Loop
public import Postgres
public import ServiceKit

/// The suite's database: somebody else's, or one of its own in the data folder.
public struct Database: Sendable {
    public let configuration: PostgresConfiguration
    /// The suite's own, where it has one.
    public let cluster: PrivateCluster?

    /// Starts the suite's own cluster where no other database is named.
    /// - Parameter service: as the database's list of sessions shows it.
    /// - Throws: `PrivateClusterError`, `HostError`.
    public static func open(_ settings: HostSettings, service: String, logger: Logger) async throws -> Database {
        guard settings.database.connections >= 1 else {
            throw HostError("database.connections is \(settings.database.connections); it is 1 or more")
        }
        var cluster: PrivateCluster?
        var connection = settings.database.connection.reveal()
        if connection.isEmpty {
            let folder = try DataFolder.make(settings.data)
            logger.info("looking for the suite's own PostgreSQL", ["folder": .string("\(folder)/postgres")])
            let found = try await PrivateCluster.start(.init(folder: "\(folder)/postgres"))
            logger.info(
                found.wasStarted ? "PostgreSQL was started" : "PostgreSQL was running",
                ["version": .string("\(found.majorVersion)")])
            connection = found.connectionString
            cluster = found
        }
        var configuration = PostgresConfiguration(connection: connection)
        configuration.applicationName = "slipway \(service)"
        configuration.pool.connectionsMax = settings.database.connections
        return Database(configuration: configuration, cluster: cluster)
    }
}

/// The folder in which the suite keeps what it must not lose.
public enum DataFolder {
    /// Makes the folder and its parents where they are missing.
    /// - Returns: its absolute path: what is told to other programs must not depend on where this one was started.
    public static func make(_ path: String) throws -> String {
        guard !path.isEmpty else { throw HostError("data: a folder is needed") }
        var made = ""
        if !path.hasPrefix("/") {
            guard let current = getcwd(nil, 0) else { throw HostError("the working folder is gone") }
            defer { free(current) }
            made = String(cString: current)
        }
        for part in path.split(separator: "/") where part != "." {
            made += "/\(part)"
            // Others may pass through, because PostgreSQL runs as another user, and see what they are allowed to.
            if mkdir(made, 0o755) != 0, errno != EEXIST {
                throw HostError("cannot make the folder \(made): \(String(cString: strerror(errno)))")
            }
        }
        return made
    }
}

/// Why a service can't be set up, for whoever starts it.
public struct HostError: Error, CustomStringConvertible {
    public let description: String

    public init(_ description: String) { self.description = description }
}
