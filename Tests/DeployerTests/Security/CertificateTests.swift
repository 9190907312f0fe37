import Access
import Contracts
import Glibc
import Protobuf
import RPC
import ResourceKit
import Secrets
import Testing

@testable import DeployerCore
@testable import Postgres

@Suite("certificates of endpoints", .timeLimit(.minutes(5))) struct CertificateTests {
    private let made = MadeCertificates.shared

    private func faults(_ security: V1.Security, now: Int = time(nil)) -> [String] {
        var violations = FieldViolations()
        _ = SecurityRules.check(security, allowsOpen: false, now: now, &violations)
        do {
            try violations.check()
            return []
        } catch {
            let named = error.details.compactMap { $0.decode(as: Google.Rpc.BadRequest.self) }.first
            return (named?.fieldViolations ?? []).map { "\($0.field): \($0.description)" }
        }
    }

    private func security(
        _ certificate: String, key: String? = nil, authorities: String = "", host: String = ""
    ) throws -> V1.Security {
        .init(
            certificatePem: try made.text("\(certificate).pem"), keyPem: try made.text("\(key ?? certificate).key"),
            clientAuthoritiesPem: try authorities.isEmpty ? "" : made.text("\(authorities).pem"), host: host)
    }

    @Test("a server's with its key, its host and whose callers count is taken")
    func taken() throws {
        #expect(faults(try security("server", authorities: "authority", host: "Churn.example.org")) == [])
    }

    @Test("a key of another one is refused")
    func mismatch() throws {
        #expect(
            faults(try security("server", key: "renewed"))
                == ["security.key_pem: it does not belong to the certificate"])
    }

    @Test("one that ended, or begins later, is refused with the day")
    func times() throws {
        let later = faults(try security("server"), now: time(nil) + 5 * 86_400)
        #expect(later.count == 1)
        #expect(later.first?.hasPrefix("security.certificate_pem: it ended on 20") == true)
        let earlier = faults(try security("server"), now: time(nil) - 5 * 86_400)
        #expect(earlier.first?.hasPrefix("security.certificate_pem: it begins only on 20") == true)
    }

    @Test("one that is for callers alone is refused for a server")
    func usage() throws {
        #expect(faults(try security("caller")).first?.contains("must not be used for a server") == true)
    }

    @Test("a chain whose parts don't follow from each other is refused, one whose do is taken")
    func chain() throws {
        var whole = try security("server")
        whole.certificatePem += try made.text("authority.pem")
        #expect(faults(whole) == [])
        var broken = try security("server")
        broken.certificatePem += try made.text("stranger.pem")
        #expect(faults(broken).first?.contains("the chain is broken") == true)
    }

    @Test("what is no PEM, damaged in the middle, without its key, or no authority's is refused with the field")
    func shape() throws {
        #expect(
            faults(.init(certificatePem: "hello", keyPem: "hello")).first?.hasPrefix("security.certificate_pem") == true
        )
        var damaged = try security("server")
        damaged.certificatePem += "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"
        #expect(faults(damaged).first?.contains("number 2 can't be read") == true)
        var keyless = try security("server")
        keyless.keyPem = ""
        #expect(faults(keyless) == ["security.key_pem: the certificate needs its key"])
        #expect(faults(try security("server", authorities: "caller")).first?.contains("is no authority's") == true)
        #expect(faults(try security("server", host: "other.example.org")).first?.hasPrefix("security.host") == true)
        #expect(faults(.init(keyPem: "x")).first?.hasPrefix("security.key_pem") == true)
    }

    @Test("a key is sealed in the route, never answered, and stays where none is given beside a certificate")
    func sealed() async throws {
        try await withDesk { desk in
            try await desk.create()
            let security = try security("server", host: "churn.example.org")
            let shown = try await desk.deployments.setSecurity(.init(name: "churn", security: security))
            #expect(shown.security?.keyPem == "")
            #expect(shown.security?.certificateUntil != nil)
            #expect(shown.status?.addresses.contains { $0.contains("churn.example.org") } == true)
            let number = try await desk.number()
            let sealed = Array(try await desk.route()?.certificate?.sealedKey ?? [])
            let opened = try desk.box.open(sealed, for: SecretBox.certificateKey(deployment: number))
            #expect(String(decoding: opened, as: UTF8.self) == security.keyPem)

            var keyless = security
            keyless.keyPem = ""
            _ = try await desk.deployments.setSecurity(.init(name: "churn", security: keyless))
            #expect(try await desk.route()?.certificate != nil)
            keyless.certificatePem = try made.text("renewed.pem")
            let refusal = await failure {
                _ = try await desk.deployments.setSecurity(.init(name: "churn", security: keyless))
            }
            #expect(refusal?.message.contains("none was given") == true)
            let journal = try await desk.pool.query("SELECT coalesce(after::text, '') FROM journal.entries").all(
                String.self)
            #expect(!journal.contains { $0.contains("PRIVATE KEY") })
        }
    }

    @Test("a host belongs to one deployment of the whole installation, until it is gone")
    func host() async throws {
        try await withDesk { desk in
            try await desk.create()
            let security = V1.Security(host: "churn.example.org")
            _ = try await desk.deployments.setSecurity(.init(name: "churn", security: security))
            let refusal = await failure {
                _ = try await desk.elsewhere.createDeployment(
                    .init(name: "other", content: .init(kind: .image("churn:1")), security: security))
            }
            #expect(refusal?.code == .alreadyExists)
            #expect(refusal?.message.contains("churn.example.org") == true)
        }
    }
}
