public import HTTP

/// Where an engine is reached.
public struct EngineAddress: Hashable, Sendable, CustomStringConvertible {
    public let socket: SocketAddress
    /// Whether the address itself says that there is TLS: `https://`, or port 2376.
    public let wantsTLS: Bool

    /// Reads `unix:///run/docker.sock`, `/run/docker.sock`, `tcp://host:2375`, `https://host:2376`; without a port it is
    /// 2375, or 2376 with TLS.
    /// - Throws: `TargetError` `.refused`, saying what an address looks like.
    public init(_ text: String) throws(TargetError) {
        func fault(_ reason: String) -> TargetError {
            TargetError(
                .refused,
                "`\(text)` is no address of an engine, \(reason): such are unix:///var/run/docker.sock and tcp://host:2376"
            )
        }
        if text.hasPrefix("unix:") || text.hasPrefix("/") {
            var path = text.hasPrefix("unix:") ? text.dropFirst(5) : text[...]
            if path.hasPrefix("//") { path = path.dropFirst(2) }
            guard path.hasPrefix("/"), path.utf8.count > 1 else { throw fault("its path does not begin with a slash") }
            guard path.utf8.count <= 107 else { throw fault("its path is longer than 107 bytes") }
            socket = .unix(path: String(path))
            wantsTLS = false
            return
        }
        var rest = text[...]
        var isHTTPS = false
        if let scheme = ["tcp://", "http://", "https://"].first(where: { text.hasPrefix($0) }) {
            isHTTPS = scheme == "https://"
            rest = rest.dropFirst(scheme.utf8.count)
        } else if text.contains("://") {
            throw fault("its scheme is not known")
        }
        while rest.hasSuffix("/") { rest = rest.dropLast() }
        let hasPort = !rest.hasSuffix("]") && rest.contains(":")
        let complete = hasPort ? String(rest) : "\(rest):\(isHTTPS ? 2376 : 2375)"
        guard !rest.isEmpty, !rest.hasPrefix(":"), !rest.contains("/"), let address = SocketAddress(complete),
            case .tcp(let host, let port) = address, port > 0, !host.isEmpty
        else { throw fault("it is not host and port") }
        socket = address
        wantsTLS = isHTTPS || port == 2376
    }

    public var description: String {
        switch socket {
        case .unix(let path): "unix://\(path)"
        case .tcp: "tcp://\(socket)"
        }
    }

    /// What requests are addressed to.
    var authority: String {
        switch socket {
        case .unix: "localhost"
        case .tcp: "\(socket)"
        }
    }

    /// The host whose published ports are the engine's; nil for this machine.
    var remoteHost: String? {
        guard case .tcp(let host, _) = socket, host != "localhost", host != "::1", !host.hasPrefix("127.") else {
            return nil
        }
        return host
    }
}

/// What proves both sides to each other, as PEM. What is empty is not used.
public struct EngineCertificates: Hashable, Sendable {
    /// What the engine's certificate is checked against; the machine's authorities where empty.
    public var authorities: String
    /// Our own.
    public var certificate: String
    public var key: String

    public init(authorities: String = "", certificate: String = "", key: String = "") {
        self.authorities = authorities
        self.certificate = certificate
        self.key = key
    }

    public var isEmpty: Bool { authorities.isEmpty && certificate.isEmpty && key.isEmpty }
}
