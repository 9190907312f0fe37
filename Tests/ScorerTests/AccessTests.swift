import Access
import Glibc
import HTTP
import InferenceContracts
import Protobuf
import RPC
import ServiceKit
import ScorerFakes
import Testing

@testable import ScorerCore

private func control(_ keys: [Secret], principals: [String] = []) throws -> AccessControl {
    var settings = AccessSettings()
    settings.keys = keys
    settings.principals = principals
    return try ScorerAccess.decide(settings, addresses: [.tcp(host: "0.0.0.0", port: 80)]).control
}

@Suite("who may score", .timeLimit(.minutes(5))) struct ScorerAccessTests {
    /// Every route, with what it needs: nothing, a key, or the role of a contributor.
    private static let routes: [(method: HTTPMethod, path: String, need: Need)] = [
        (.get, "/", .nothing), (.get, "/ping", .nothing), (.get, "/health", .nothing),
        (.get, "/v2/health/live", .nothing), (.get, "/v2/health/ready", .nothing), (.get, "/v2", .key),
        (.get, "/v2/models/iris", .key), (.get, "/v2/models/iris/versions/1", .key),
        (.get, "/v2/models/iris/ready", .key), (.get, "/v2/models/iris/versions/1/ready", .key),
        (.get, "/v2/models/iris/config", .key), (.get, "/v2/models/iris/versions/1/config", .key),
        (.get, "/v2/models/iris/stats", .key), (.get, "/v2/models/iris/versions/1/stats", .key),
        (.get, "/v2/models/stats", .key), (.post, "/v2/models/iris/infer", .key),
        (.post, "/v2/models/iris/versions/1/infer", .key), (.post, "/v2/repository/index", .key),
        (.post, "/v2/repository/models/iris/load", .contributor),
        (.post, "/v2/repository/models/iris/unload", .contributor), (.post, "/score", .key), (.get, "/score", .key),
        (.post, "/invocations", .key), (.get, "/openapi.json", .key), (.get, "/swagger.json", .key),
        (.get, "/swagger.json?version=3", .key),
    ]
    private enum Need { case nothing, key, contributor }

    @Test("no path and no method answers without a key when keys are set, and either of two keys opens them")
    func matrix() async throws {
        let keys = (0..<2).map { _ in AccessToken.make(.service) }
        let owner = AccessToken.make(.service)
        let line = "name=deployer workspace=default role=owner token=\(owner.proof.digest.hexadecimal)"
        let control = try control(keys.map(\.text), principals: [line])
        try await withScorer([Models.iris()], access: control) { scorer async throws in
            let stranger = AccessToken.make(.service).text
            for route in Self.routes {
                for (secret, isKey, isOwner) in [
                    (nil, false, false), (stranger, false, false), (keys[0].text, true, false),
                    (keys[1].text, true, false), (owner.text, true, true),
                ] as [(Secret?, Bool, Bool)] {
                    // Guesses from one place are slowed down soon; that is no answer either.
                    let fields: HeaderFields = secret.map { ["authorization": "Bearer \($0.reveal())"] } ?? [:]
                    let reply = try await scorer.send(
                        route.method, route.path, route.method == .post ? [] : nil, fields: fields)
                    switch route.need {
                    case .nothing: #expect(reply.status == 200, "\(route.path)")
                    case _ where !isKey: #expect([401, 429].contains(reply.status), "\(route.path): \(reply.status)")
                    case .key: #expect(reply.status != 401 && reply.status != 403, "\(route.path): \(reply.text)")
                    case .contributor:
                        #expect(isOwner ? reply.status == 200 : reply.status == 403, "\(route.path): \(reply.status)")
                    }
                }
            }
        }
    }

    @Test("every route that is offered stands in the matrix")
    func complete() throws {
        let described = OpenAPIDocument(
            build: BuildInformation(service: "s", version: "1"), models: [Models.iris().summary],
            usual: Models.iris().summary, isOpen: false
        ).tree["paths"]
        guard case .object(let paths)? = described else { Issue.record("no paths"); return }
        let known = Set(Self.routes.map { String($0.path.prefix { $0 != "?" }) })
        for path in paths.map(\.name) {
            let concrete = path.split(separator: "/", omittingEmptySubsequences: false).map { part in
                part == "{model}" ? "iris" : part == "{version}" ? "1" : String(part)
            }.joined(separator: "/")
            #expect(known.contains(concrete), "\(path)")
        }
    }

    @Test("methods ask for what they change: anyone for health, a key for scoring, a contributor for loading")
    func methods() async throws {
        let key = AccessToken.make(.service)
        let control = try control([key.text])
        try await withScorer([Models.iris()], access: control) { scorer async throws in
            let guardian = AccessInterceptor(
                control,
                services: [
                    InferenceService(ScoringPoint(scorer.serving, build: BuildInformation(service: "s", version: "1")))
                ],
                foreign: InferenceService.requirements)
            #expect(guardian.undeclared.isEmpty)
            for method in Inference.GRPCInferenceService.descriptor.methods where method.shape == .unary {
                for isSigned in [false, true] {
                    var fields: HeaderFields = ["content-type": "application/json"]
                    if isSigned { fields.add("authorization", "Bearer \(key.text.reveal())") }
                    let reply = try await scorer.post(method.path, "{}", fields: fields)
                    switch method.name {
                    case "ServerLive", "ServerReady": #expect(reply.status == 200)
                    case _ where !isSigned: #expect(reply.status == 401, "\(method): \(reply.status)")
                    case "RepositoryModelLoad", "RepositoryModelUnload": #expect(reply.status == 403)
                    default: #expect(reply.status != 401 && reply.status != 403, "\(method): \(reply.text)")
                    }
                }
            }
        }
    }

    @Test("refusals look as each dialect's clients expect them")
    func forms() async throws {
        let control = try control([AccessToken.make(.service).text])
        try await withScorer([Models.iris()], access: control) { scorer async throws in
            for (path, member) in [
                ("/v2/models/iris/infer", "error"), ("/score", "error"), ("/invocations", "error_code"),
            ] {
                let reply = try await scorer.post(path, "{}")
                #expect(reply.status == 401 && reply.fields["www-authenticate"]?.hasPrefix("Bearer") == true)
                #expect(try reply.json()[member] != nil)
            }
        }
    }

    @Test("without keys everybody may call who is on this machine, and nobody listens for others unless told")
    func laptops() throws {
        var settings = AccessSettings()
        for local in ["127.0.0.1:80", "localhost:80", "[::1]:80", "unix:/tmp/x", "127.8.9.1:1"] {
            let address = try #require(SocketAddress(local))
            #expect(try ScorerAccess.decide(settings, addresses: [address]).control.isOpen)
        }
        for other in [
            "0.0.0.0:80", "10.0.0.1:80", "[::]:80", "127.example.org:80", "127.0.0.1.example.org:80", "127.0.0:1",
        ] {
            let address = try #require(SocketAddress(other))
            #expect(throws: ScorerAccessError.self) { try ScorerAccess.decide(settings, addresses: [address]) }
        }
        settings.open = true
        #expect(try ScorerAccess.decide(settings, addresses: [.tcp(host: "0.0.0.0", port: 1)]).control.isOpen)
        settings.keys = [AccessToken.make(.service).text]
        #expect(throws: ScorerAccessError.self) { try ScorerAccess.decide(settings, addresses: []) }
        settings.open = false
        settings.keys = [Secret("abc")]
        #expect(throws: ScorerAccessError.self) { try ScorerAccess.decide(settings, addresses: []) }
    }

    @Test("keys come from a file that others may not read")
    func file() throws {
        var template = Array("/tmp/slipway-keys-XXXXXX".utf8CString)
        let descriptor = mkstemp(&template)
        try #require(descriptor >= 0)
        let path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        defer { unlink(path) }
        let key = AccessToken.make(.service).text
        let text = Array("# the first\n\(key.reveal())\n\n".utf8)
        #expect(write(descriptor, text, text.count) == text.count)
        close(descriptor)
        var settings = AccessSettings()
        settings.keysFile = path
        let access = try ScorerAccess.decide(settings, addresses: [.tcp(host: "0.0.0.0", port: 1)])
        #expect(!access.control.isOpen && access.notice.contains("1 keys"))
        chmod(path, 0o644)
        #expect(throws: ScorerAccessError.self) { try ScorerAccess.decide(settings, addresses: []) }
        settings.keysFile = "/nowhere/at/all"
        #expect(throws: ScorerAccessError.self) { try ScorerAccess.decide(settings, addresses: []) }
    }
}
