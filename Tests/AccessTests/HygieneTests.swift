internal import Contracts
import Glibc
import Loop
internal import Protobuf
internal import RPC
import Testing

@testable import Access
@testable import Identity
@testable import Postgres
@testable import Secrets
@testable import ServiceKit

/// Logs all that it gets and throws it at its caller.
private struct Careless: RPCService {
    struct Failure: Error, CustomStringConvertible {
        let description: String
    }
    let logger: Logger
    let secrets: SecretStore

    func handlers() -> [MethodHandler] {
        [
            .unary(Slipway.Testing.V1.Probe.Methods.read) { request, context in
                let authorization = context.metadata["authorization"] ?? ""
                logger.info("called with \(authorization)", ["authorization": .string(authorization)])
                logger.info("the text is \(request.message.text)", ["text": .string(authorization)])
                let workspace = try #require(context.caller.workspace)
                let secret = try await secrets.get("password", in: workspace)
                logger.info("secret \(secret) is \(secret.reveal())", ["value": LogValue(secret)])
                throw Failure(description: "\(authorization) with \(secret.reveal()) failed for \(context.caller)")
            }
        ]
    }
}

@Suite("hygiene", .timeLimit(.minutes(5))) struct HygieneTests {
    @Test("logs, errors, the journal and the tables hold none of the tokens and secrets that a run used")
    func searching() async throws {
        try await withFixture { fixture in
            var template = Array("/tmp/slipway-access-log-XXXXXX".utf8CString)
            let file = mkstemp(&template)
            defer {
                close(file)
                unlink(template)
            }
            var configuration = LogWriter.Configuration()
            configuration.descriptor = file
            configuration.format = .json
            let redactor = Redactor()
            let writer = LogWriter(configuration, redactor: redactor)
            try writer.start()
            let logger = Logger("test", writer: writer, level: .trace)

            let root = try await fixture.store.createPrincipal("root", kind: .person, by: Fixture.change)
            let usual = try await fixture.store.createWorkspace("default", owner: root.id, by: Fixture.change)
            let tokens = try await [
                fixture.member("ada", [(usual, .reader)]).token, fixture.member("bot", kind: .service).token,
                AccessToken.make(.deployment).text,
            ]
            let value = "tr0ub4dor and \"3\""
            let key = SecretKey.random()
            let secrets = SecretStore(fixture.pool, keys: SecretKeys(key), redactor: redactor)
            try await secrets.set("password", Secret(value), in: usual, by: "person:root")
            let control = AccessControl(IdentitySource(fixture.pool))
            let server = try await MatrixServer(
                [Careless(logger: logger, secrets: secrets)], control,
                [CallTelemetry(MetricsRegistry(), logger: logger)])
            var shown = ""
            for dialect in AccessDialect.allCases {
                let channel = dialect.channel(server)
                for token in tokens {
                    // Once as it is, once cut short, as somebody copies it.
                    for text in [token.reveal(), String(token.reveal().dropLast(3))] {
                        var request = Slipway.Testing.V1.ProbeRequest()
                        request.text = "my token is \(text)"
                        let error = await failure(RPCError.self) {
                            _ = try await channel.unary(
                                Slipway.Testing.V1.Probe.Methods.read, request,
                                metadata: ["authorization": "Bearer \(text)"])
                        }
                        shown += error.map { "\($0) \($0.metadata.map { "\($0)" }) \($0.details)\n" } ?? "no error\n"
                    }
                }
                if let channel = channel as? NetworkChannel { await channel.close(grace: .zero) }
                if let channel = channel as? InProcessChannel { await channel.close() }
            }
            await server.stop()
            writer.stop()
            let size = Int(lseek(file, 0, SEEK_END))
            var bytes = [UInt8](repeating: 0, count: size)
            #expect(pread(file, &bytes, size, 0) == size)
            let log = String(decoding: bytes, as: UTF8.self)
            #expect(log.contains("my token is slw_p_") && log.contains("called with") && log.contains("is ****"))
            var tables = "\(try await fixture.entries())"
            for table in ["identity.tokens", "identity.principals", "secrets.secrets", "journal.entries"] {
                tables += try await fixture.pool.query("SELECT t::text FROM \(unsafe: table) AS t").all(String.self)
                    .joined()
            }
            let all = log + shown + tables
            for token in tokens {
                let text = token.reveal()
                // No long part of what makes it one either.
                for part in [text, String(text.dropLast(3)), String(text.dropFirst(20).prefix(12))] {
                    #expect(!all.contains(part), "a token was shown")
                }
            }
            #expect(log.contains(tokens[0].reveal().prefix(16)), "which token it was can be seen")
            for part in ["tr0ub4dor", "\\\"3\\\""] { #expect(!all.contains(part), "a secret was shown") }
            let digits = SHA256Digest(bytes: key.bytes)?.hexadecimal ?? ""
            #expect(!all.contains(digits.prefix(12)))
        }
    }

    @Test(
        "a token in a text is cut to what may be shown",
        arguments: [
            ("slw_p_0123456789abcdefghijkl", "slw_p_0123456789****"),
            ("<slw_s_0123456789abc> and slw_d_abcdefghijKLM.", "<slw_s_0123456789****> and slw_d_abcdefghij****."),
            ("slw_p_0123456789", "slw_p_0123456789"), ("slw_", "slw_"), ("sslw_p_0123456789x", "sslw_p_0123456789****"),
            ("nothing", "nothing"), ("", ""), ("ä slw_p_0123456789abc ö", "ä slw_p_0123456789**** ö"),
        ])
    func cutting(_ text: String, _ expected: String) {
        #expect(Redactor().redact(text) == expected)
    }
}
