public import JournalKeeping
public import ServiceKit

/// What every service of the suite can be told beside its own settings.
public struct HostSettings: ConfigurationSection {
    /// The folder in which the suite keeps what it must not lose.
    public var data = "slipway-data"
    public var listen: String
    public var tls = TLSSettings()
    public var origins: [String] = []
    public var messageLimit = ByteCount(64 * 1024 * 1024)
    public var database = DatabaseSettings()
    public var journal = JournalKeeperSettings()

    /// - Parameter listen: where a service takes calls that is told nothing else: another port for each, so that all of them
    ///   start on one machine.
    public init(listen: String) { self.listen = listen }

    public init() { self.init(listen: "127.0.0.1:7070") }

    public static func describe(_ keys: inout ConfigurationKeys<HostSettings>) {
        keys.add("data", \.data, "the folder that holds everything: made where it is missing")
        keys.add("listen", \.listen, "where calls are taken: host:port, or unix:/path")
        keys.add("tls", \.tls)
        keys.add("origins", \.origins, "web pages that may call, as browsers name them; * for all")
        keys.add("message_limit", \.messageLimit, "the largest message of a call")
        keys.add("database", \.database)
        keys.add("journal", \.journal)
    }
}

/// Where the state lives.
public struct DatabaseSettings: ConfigurationSection {
    /// May hold a password.
    public var connection = Secret("")
    public var connections = 8

    public init() {}

    public static func describe(_ keys: inout ConfigurationKeys<DatabaseSettings>) {
        keys.add(
            "connection", \.connection,
            "as libpq takes it: postgresql://user@host/db; none, a PostgreSQL of its own in the data folder")
        keys.add("connections", \.connections, "the most for each thread of the service")
    }
}
