import Contracts
import Protobuf
import RPC
import ServiceKit
import Testing

@testable import Access
@testable import Blobs
@testable import Postgres
@testable import RegistryCore

typealias Models = Slipway.Models.V1

/// Callers of the services of models and lineage.
struct ModelFixture: Sendable {
    let fixture: RegistryFixture
    let server: RPCServer
    let channel: InProcessChannel
    let store: RegistryStore

    var models: Models.Models.Client { Models.Models.Client(channel) }
    var lineage: Models.Lineage.Client { Models.Lineage.Client(channel) }

    /// A file of that content, uploaded and not registered yet.
    func file(_ path: String, _ content: String) async throws -> Models.ModelFile {
        let digest = try await fixture.upload(content)
        return Models.ModelFile(path: path, digest: "\(digest)", sizeBytes: Int64(content.utf8.count))
    }

    /// A request with one file.
    func request(
        _ name: String, _ content: String = "weights", _ change: (inout Models.RegisterRequest) -> Void = { _ in }
    ) async throws -> Models.RegisterRequest {
        var request = Models.RegisterRequest(name: name, files: [try await file("model.bin", content)])
        change(&request)
        return request
    }

    @discardableResult
    func register(
        _ name: String, _ content: String = "weights", _ change: (inout Models.RegisterRequest) -> Void = { _ in }
    ) async throws -> Models.ModelVersion {
        try await models.register(try await request(name, content, change))
    }

    func get(_ version: String, includeDeleted: Bool = false) async throws -> Models.ModelVersion {
        try await models.getVersion(Models.GetVersionRequest(version: version, includeDeleted: includeDeleted))
    }

    /// A channel of another member.
    func channel(_ name: String, _ roles: [(Workspace, Role)], workspace: String) async throws -> InProcessChannel {
        let member = try await fixture.member(name, roles)
        return fixture.channel(server, token: member.token, workspace: workspace)
    }
}

/// Runs `body` with a registry of its own and an owner of its workspace `lab`, `person:ada`, to call it.
func withModels(
    recogniser: ModelRecogniser = .none, connections: Int = 12, _ body: (ModelFixture) async throws -> Void
) async throws {
    try await withRegistry(connections: connections) { fixture in
        let store = RegistryStore(fixture.pool, blobs: fixture.blobs, recogniser: recogniser)
        let server = fixture.server([ModelsService(store), LineageService(store)])
        let ada = try await fixture.member("ada", [(fixture.lab, .owner)])
        let models = ModelFixture(
            fixture: fixture, server: server, channel: fixture.channel(server, token: ada.token), store: store)
        try await body(models)
    }
}

extension RPCError {
    /// The violations of fields that it lists: `field: description`.
    var violations: [String] {
        details.compactMap { $0.decode(as: Google.Rpc.BadRequest.self) }.flatMap(\.fieldViolations)
            .map { "\($0.field): \($0.description)" }
    }

    /// The preconditions that it lists: `TYPE subject`.
    var unmet: [String] {
        details.compactMap { $0.decode(as: Google.Rpc.PreconditionFailure.self) }.flatMap(\.violations)
            .map { "\($0.type) \($0.subject)" }
    }
}
