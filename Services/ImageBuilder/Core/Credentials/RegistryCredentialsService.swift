internal import Access
public import Contracts
internal import ResourceKit
public import RPC
internal import Secrets

/// `slipway.images.v1.RegistryCredentials`.
public struct RegistryCredentialsService: Slipway.Images.V1.RegistryCredentials.SimpleService {
    private let store: RegistryCredentialStore

    public init(_ store: RegistryCredentialStore) { self.store = store }

    public func setCredential(
        _ request: Slipway.Images.V1.SetCredentialRequest, context: ServerContext
    ) async throws -> Slipway.Images.V1.RegistryCredential {
        let registry = try RegistryName.checked(request.registry)
        // Basic authentication has no room for a colon in a user's name.
        try check("user", request.user, 256) { $0 != ":" }
        try check("password", request.password, 16 << 10) { _ in true }
        let workspace = try context.workspace
        try await store.set(
            registry, user: request.user, password: request.password, in: workspace, by: context.caller.actor,
            reason: request.reason)
        guard let set = try await store.list(in: workspace).first(where: { $0.registry == registry }) else {
            throw RPCError(.aborted, "somebody deleted the credentials for \(registry) in the same moment")
        }
        return set
    }

    public func listCredentials(
        _ request: Slipway.Images.V1.ListCredentialsRequest, context: ServerContext
    ) async throws -> Slipway.Images.V1.ListCredentialsResponse {
        Slipway.Images.V1.ListCredentialsResponse(credentials: try await store.list(in: context.workspace))
    }

    public func deleteCredential(
        _ request: Slipway.Images.V1.DeleteCredentialRequest, context: ServerContext
    ) async throws -> Slipway.Images.V1.DeleteCredentialResponse {
        let registry = try RegistryName.checked(request.registry)
        do {
            try await store.remove(
                registry, in: context.workspace, by: context.caller.actor, reason: request.reason)
        } catch SecretError.notFound {
            throw RPCError(.notFound, "there are no credentials for \(registry) in this workspace")
        }
        return Slipway.Images.V1.DeleteCredentialResponse()
    }

    private func check(
        _ field: String, _ value: String, _ limit: Int, _ isFine: (Unicode.Scalar) -> Bool
    ) throws(RPCError) {
        guard !value.isEmpty, value.utf8.count <= limit else {
            throw RPCError.badRequest(field: field, "it has 1 to \(limit) bytes")
        }
        guard value.unicodeScalars.allSatisfy({ $0.value >= 0x20 && $0.value != 0x7F && isFine($0) }) else {
            throw RPCError.badRequest(field: field, "it has a character that can't be in one")
        }
    }
}
