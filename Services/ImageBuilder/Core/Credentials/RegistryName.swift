internal import OCI
internal import ResourceKit
internal import RPC

/// A registry as credentials are kept for it: `registry.example.com:5000`.
enum RegistryName {
    /// What people call Docker's registry.
    private static let dockers: Set<String> = ["index.docker.io", "registry-1.docker.io", "registry.hub.docker.com"]

    /// - Throws: `RPCError` `invalidArgument`.
    static func checked(_ text: String) throws(RPCError) -> String {
        let name = text.lowercased()
        let parts = name.split(separator: ":", omittingEmptySubsequences: false)
        let isHost = (parts.first ?? "").utf8.allSatisfy { byte in
            (0x61...0x7A).contains(byte) || (0x30...0x39).contains(byte) || byte == 0x2D || byte == 0x2E
        }
        let isPort = parts.count == 1 || parts.count == 2 && UInt16(parts[1]).map { "\($0)" == parts[1] } == true
        guard isHost, isPort, let first = parts.first, !first.isEmpty, name.utf8.count <= 180 else {
            throw RPCError.badRequest(
                field: "registry",
                "\(shown(text)) is no host, with its port where it has one: registry.example.com:5000")
        }
        return dockers.contains(name) ? ImageReference.usualRegistry : name
    }

    /// The secret's name: which has no colons.
    static func secret(_ registry: String) -> String { prefix + registry.replacing(":", with: "/") }

    static let prefix = "registries/"
}
