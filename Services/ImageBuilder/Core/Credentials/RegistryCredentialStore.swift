public import Access
internal import Contracts
public import OCI
internal import Protobuf
internal import ResourceKit
public import Secrets
internal import ServiceKit

/// Users and passwords for other registries, among the workspace's secrets: with who set them in the part that is
/// encrypted, since neither is anybody else's business.
public struct RegistryCredentialStore: Sendable {
    private let secrets: SecretStore

    public init(_ secrets: SecretStore) { self.secrets = secrets }

    /// What a push or pull in the workspace signs in with; nil where nobody set anything.
    /// - Throws: `SecretError` where what was set can't be read.
    public func credentials(
        for registry: String, in workspace: Workspace
    ) async throws -> RegistrySettings.Credentials? {
        // What no credentials can be set for, there are none for.
        guard let name = try? RegistryName.checked(registry) else { return nil }
        do {
            let kept = try await entry(RegistryName.secret(name), in: workspace)
            return RegistrySettings.Credentials(user: kept.user, password: kept.password)
        } catch SecretError.notFound {
            return nil
        }
    }

    /// Keeps user and password for a registry, which was looked at before.
    /// - Throws: `SecretError`, `PostgresError`.
    public func set(
        _ registry: String, user: String, password: String, in workspace: Workspace, by actor: String, reason: String
    ) async throws {
        let entry = Entry(registry: registry, user: user, password: password, setBy: actor)
        try await secrets.set(
            RegistryName.secret(registry), Secret(entry.json), in: workspace, by: actor,
            reason: reason.isEmpty ? nil : reason)
    }

    /// - Throws: `SecretError.notFound`.
    func remove(_ registry: String, in workspace: Workspace, by actor: String, reason: String) async throws {
        try await secrets.remove(
            RegistryName.secret(registry), in: workspace, by: actor, reason: reason.isEmpty ? nil : reason)
    }

    /// By registry.
    func list(in workspace: Workspace) async throws -> [Slipway.Images.V1.RegistryCredential] {
        var found: [Slipway.Images.V1.RegistryCredential] = []
        for record in try await secrets.list(in: workspace) where record.name.hasPrefix(RegistryName.prefix) {
            do {
                let entry = try await entry(record.name, in: workspace)
                found.append(
                    Slipway.Images.V1.RegistryCredential(
                        registry: entry.registry, user: entry.user, setBy: entry.setBy,
                        setAt: Google.Protobuf.Timestamp(record.changed)))
            } catch SecretError.notFound {
                // Deleted since the list was made.
                continue
            }
        }
        return found.sorted { $0.registry < $1.registry }
    }

    private func entry(_ name: String, in workspace: Workspace) async throws -> Entry {
        let text = try await secrets.get(name, in: workspace).reveal()
        guard let entry = try? Entry(json: text) else { throw SecretError.damaged(name: name) }
        return entry
    }

    private struct Entry {
        var registry = ""
        var user = ""
        var password = ""
        var setBy = ""

        init(registry: String, user: String, password: String, setBy: String) {
            self.registry = registry
            self.user = user
            self.password = password
            self.setBy = setBy
        }

        init(json: String) throws {
            var (registry, user, password, setBy) = ("", "", "", "")
            try JSONReader.read(Array(json.utf8)[...]) { json in
                try json.members { key, json in
                    switch key {
                    case "registry": registry = try json.string()
                    case "user": user = try json.string()
                    case "password": password = try json.string()
                    case "set_by": setBy = try json.string()
                    default: try json.skipValue()
                    }
                }
            }
            self.init(registry: registry, user: user, password: password, setBy: setBy)
        }

        var json: String {
            var json = JSONWriter()
            json.beginObject()
            for (key, value) in [("registry", registry), ("user", user), ("password", password), ("set_by", setBy)] {
                json.key(key)
                json.string(value)
            }
            json.endObject()
            return String(decoding: json.bytes, as: UTF8.self)
        }
    }
}
