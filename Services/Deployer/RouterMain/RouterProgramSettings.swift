import DeployerRouter
import HTTP
import ServiceHost
import ServiceKit

/// Everything that the router can be told.
struct RouterProgramSettings: ConfigurationSection {
    var data = "slipway-data"
    var listen = "127.0.0.1:7080"
    var tlsListen = "127.0.0.1:7443"
    var tls = TLSSettings()
    var operations = "127.0.0.1:7081"
    var domain = "localhost"
    var database = DatabaseSettings()
    var secretKey = Secret("")
    var replicas = ReplicaSettings()
    var limits = LimitSettings()
    var accessLog = true
    var service = KitSettings()

    static func describe(_ keys: inout ConfigurationKeys<RouterProgramSettings>) {
        keys.add("data", \.data, "the folder that holds everything: made where it is missing")
        keys.add("listen", \.listen, "where requests are taken: host:port, or unix:/path; none where empty")
        keys.add(
            "tls_listen", \.tlsListen,
            "where requests are taken over TLS, with the certificates of deployments; none where empty")
        keys.add("tls", \.tls)
        keys.add("operations", \.operations, "where health and metrics are asked for")
        keys.add("domain", \.domain, "deployments answer to NAME.WORKSPACE. with this behind it")
        keys.add("database", \.database)
        keys.add(
            "secret_key", \.secretKey,
            "what keys in routes are sealed with: 64 hexadecimal digits; none, the file secrets.key in the data folder")
        keys.add("replicas", \.replicas)
        keys.add("limits", \.limits)
        keys.add("access_log", \.accessLog, "write a record for each request")
        keys.add("service", \.service)
    }
}

/// How replicas are asked.
struct ReplicaSettings: ConfigurationSection {
    enum Speech: String, ConfigurationChoice { case http1, http2 }
    enum Retries: String, ConfigurationChoice { case unsent, idempotent, unanswered }

    var speaking = Speech.http1
    var retries = Retries.unanswered
    var tries = 3
    var tryTimeout: Duration?
    var connectTimeout = Duration.seconds(2)
    var failures = 5
    var pause = Duration.seconds(1)
    var pauseMax = Duration.seconds(30)

    static func describe(_ keys: inout ConfigurationKeys<ReplicaSettings>) {
        keys.add("speaking", \.speaking, "what replicas are spoken to with; calls of gRPC always go by HTTP/2")
        keys.add(
            "retries", \.retries,
            "what is sent again where no byte of an answer came: unsent, only what no replica saw; idempotent, also by the method; unanswered, all"
        )
        keys.add("tries", \.tries, "replicas that one request is sent to at most")
        keys.add(
            "try_timeout", \.tryTimeout,
            "how long one replica may take to begin its answer before a GET or the like goes to another; none, as long as the request may take"
        )
        keys.add("connect_timeout", \.connectTimeout, "how long connecting to a replica may take")
        keys.add("failures", \.failures, "failures one after the other after which a replica is left alone")
        keys.add("pause", \.pause, "for how long at first; twice as long each time")
        keys.add("pause_max", \.pauseMax, "and at most")
    }
}

/// What a request may cost.
struct LimitSettings: ConfigurationSection {
    var body = ByteCount(64 * 1024 * 1024)
    var head = ByteCount(64 * 1024)
    var replay = ByteCount(64 * 1024)
    var window = ByteCount(256 * 1024)
    var connections = 100_000
    var idle = Duration.seconds(300)

    static func describe(_ keys: inout ConfigurationKeys<LimitSettings>) {
        keys.add("body", \.body, "the largest body; calls of gRPC are limited by their replica, message by message")
        keys.add("head", \.head, "bytes of all header fields of a request")
        keys.add("replay", \.replay, "how much of a body is kept for sending it again")
        keys.add("window", \.window, "bytes of a body that are under way before a replica takes some")
        keys.add("connections", \.connections, "connections over this number are closed as they come")
        keys.add("idle", \.idle, "how long a connection may rest")
    }

    var http: HTTPLimits {
        var limits = HTTPLimits()
        limits.headerBytes = head.bytes
        limits.streamWindowBytes = max(64 * 1024, window.bytes)
        limits.idleTimeout = idle
        return limits
    }
}

extension RouterProgramSettings {
    var routing: RouterSettings {
        var settings = RouterSettings()
        settings.replicaProtocol = replicas.speaking == .http2 ? .http2 : .http11
        settings.retries =
            switch replicas.retries {
            case .unsent: .unsent
            case .idempotent: .idempotent
            case .unanswered: .unanswered
            }
        settings.triesMax = max(1, replicas.tries)
        settings.tryTimeout = replicas.tryTimeout
        settings.connectTimeout = replicas.connectTimeout
        settings.ejection.failures = max(1, replicas.failures)
        settings.ejection.first = replicas.pause
        settings.ejection.longest = replicas.pauseMax
        settings.bodyBytesMax = limits.body.bytes
        settings.replayBytes = limits.replay.bytes
        settings.logsRequests = accessLog
        return settings
    }

    /// - Throws: `HostError`.
    func address(_ text: String, _ name: String) throws -> SocketAddress {
        guard let address = SocketAddress(text) else {
            throw HostError("\(name): \"\(text)\" is no address; host:port or unix:/path is one")
        }
        return address
    }
}
