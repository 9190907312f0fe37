import HTTP
import Loop
import Protobuf
import RPC
import Testing

@testable import ServiceKit

/// A service as it is really wired, with secrets in every source, and careless code that logs and throws them.
@Suite("secrets in a running service")
struct SecretHygieneTests {
    struct ServiceSettings: ConfigurationSection {
        var databaseURL = Secret("")
        var apiKeys: [Secret] = []
        var collectorCredential = Secret("")
        var signingKey: Secret?
        static func describe(_ keys: inout ConfigurationKeys<ServiceSettings>) {
            keys.add("database_url", \.databaseURL, "with user and password")
            keys.add("api_keys", \.apiKeys, "accepted ones")
            keys.add("collector_credential", \.collectorCredential, "for the collector")
            keys.add("signing_key", \.signingKey, "for tokens")
        }
    }

    static let url = "postgres://app:s3cr3t-pass@db/app"
    static let keys = ["key-one-1111", "key \"two\" 2222"]
    static let credential = "Bearer collector-zzzz"
    static let signing = "line one\nline two"

    func settings() throws -> LoadedConfiguration<ServiceSettings> {
        let loader = ConfigurationLoader(ServiceSettings.self, prefix: "APP") { path in
            switch path {
            case "/app.toml":
                return "api_keys = ['key-one-1111', 'key \"two\" 2222']\ncollector_credential_file = '/credential'\n"
            case "/credential": return Self.credential + "\n"
            default: return Self.signing
            }
        }
        return try loader.load(
            arguments: ["--config=/app.toml", "--signing_key_file=/signing", "--print-config"],
            environment: ["APP_DATABASE_URL": Self.url])
    }

    struct Careless: Error, CustomStringConvertible {
        let description: String
    }

    @Test("no output of a run holds any of the secrets that the run used", arguments: [LogFormat.json, .readable])
    func hygiene(_ format: LogFormat) async throws {
        let loaded = try settings()
        let secrets = loaded.secrets
        #expect(secrets.count == 5)
        let redactor = Redactor()
        redactor.add(secrets)
        let log = try CapturedLog(format, redactor: redactor)
        try log.writer.start()
        let logger = Logger("service", writer: log.writer, level: .trace)
        logger.info("configuration\n\(loaded.printed)", ["value": .string("\(loaded.value)")])
        let answers = Lock("")

        try await withClient { loops, client in
            let metrics = MetricsRegistry()
            let collector = Collector()
            let health = HealthRegistry()
            health.part("database").ready()
            try await withServer(try collector.routes(), loops: loops) { collectorAddress in
                var export = OTLPExporter.Configuration(endpoint: "http://\(collectorAddress)/v1/traces")
                export.fields = [("authorization", loaded.value.collectorCredential)]
                let exporter = try OTLPExporter(
                    export, build: BuildInformation(service: "s", version: "1"), client: client, loop: loops.loops[0])
                let tracer = Tracer(exporter: exporter, ratio: 1)
                let echo = EchoService { message, context in
                    logger.debug(
                        "called with \(context.metadata["authorization"] ?? "")", ["text": .string(message.value)])
                    for secret in secrets { logger.error("library says \(secret.reveal())!", ["x": LogValue(secret)]) }
                    throw Careless(description: "cannot reach \(loaded.value.databaseURL.reveal()) as asked")
                }
                let rpc = RPCServer(
                    services: [echo], interceptors: [ServerTracing(tracer), CallTelemetry(metrics, logger: logger)],
                    fallback: try OperationsRoutes.handler(
                        health: health, metrics: metrics, build: BuildInformation(service: "s", version: "1")))
                try await withServer(rpc, loops: loops) { address in
                    let channel = NetworkChannel(address, loops: loops)
                    do {
                        _ = try await channel.unary(
                            EchoService.echo, text("my key is \(Self.keys[0])"),
                            metadata: ["authorization": Self.credential])
                    } catch { answers.withLock { $0 += "\(error)" } }
                    await channel.close(grace: .zero)
                    for path in ["/metrics", "/readyz", "/healthz", "/version"] {
                        let body = try await client.get(address, path).body
                        answers.withLock { $0 += body }
                    }
                }
                await exporter.exportAll()
                #expect(!collector.spans.isEmpty)
                answers.withLock { $0 += "\(collector.batches)" }
            }
        }
        let output = log.text() + answers.withLock { $0 } + loaded.printed + loaded.help
        #expect(output.contains("library says ****!") && output.contains("cannot reach ****"))
        for part in ["s3cr3t-pass", "key-one-1111", "two\\\" 2222", "2222", "collector-zzzz", "line one", "line two"] {
            #expect(!output.contains(part), "\(part) was shown")
        }
        for secret in secrets { #expect(!output.contains(secret.reveal())) }
    }
}
