internal import HTTP

/// A container as a list of an engine has it.
struct ContainerRecord: Hashable, Sendable {
    /// What an engine says of where a container is in its life, as far as it matters here.
    enum Stage: Hashable, Sendable {
        case made
        case running
        case ended
        case going
    }

    /// What is read of each: the rest of a list costs more than this.
    static let fields: Set<String> = ["Id", "Names", "Created", "State", "Labels", "Ports", "NetworkSettings"]

    var engineID: String
    var id: ReplicaID
    var owner: ReplicaOwner?
    var isUnfinished: Bool
    var stage: Stage
    /// Seconds since 1970, by the engine's clock.
    var createdAt: Int64
    var address: SocketAddress?

    /// Nil where it is none of ours, or is not what we made it.
    init?(_ container: EngineValue, settings: DockerSettings) {
        let labels = container["Labels"]
        guard let engineID = container["Id"].text, let id = labels[ReplicaLabels.replica].text,
            labels[ReplicaLabels.suite].text == settings.suite
        else { return nil }
        self.engineID = engineID
        self.id = id
        owner = ReplicaLabels.owner(labels)
        let names = container["Names"].items.compactMap { $0.text?.drop { $0 == "/" } }
        guard let name = names.first(where: { $0.hasPrefix("slipway-") }) else { return nil }
        isUnfinished = ContainerName.isUnfinished(String(name))
        createdAt = container["Created"].integer ?? 0
        switch container["State"].text?.lowercased() {
        case "created", "configured", "initialized": stage = .made
        case "running", "paused", "restarting", "stopping": stage = .running
        case "removing": stage = .going
        default: stage = .ended
        }
        guard stage == .running, let port = labels[ReplicaLabels.port].text.flatMap({ Int64($0) }) else { return }
        address =
            settings.network.isEmpty
            ? Self.published(container["Ports"].items, port, settings)
            : Self.own(container["NetworkSettings"]["Networks"][settings.network], port)
    }

    private static func published(_ ports: [EngineValue], _ port: Int64, _ settings: DockerSettings) -> SocketAddress? {
        let found = ports.filter { $0["PrivatePort"].integer == port && $0["Type"].text ?? "tcp" == "tcp" }
        // Of a port that is open for both kinds of addresses, the first: they may differ.
        let first = found.first { !($0["IP"].text ?? "").contains(":") } ?? found.first
        guard let number = first?["PublicPort"].integer, (1...65535).contains(number) else { return nil }
        return .tcp(host: settings.address.remoteHost ?? "127.0.0.1", port: Int(number))
    }

    private static func own(_ network: EngineValue, _ port: Int64) -> SocketAddress? {
        let addresses = [network["IPAddress"].text, network["GlobalIPv6Address"].text]
        guard let host = addresses.compactMap(\.self).first(where: { !$0.isEmpty }) else { return nil }
        return .tcp(host: host, port: Int(port))
    }
}
