/// What the deployer is told of its surroundings, as far as its services need it.
package struct DeployerLimits: Sendable {
    /// Replicas of a deployment.
    package var replicas: Int32
    /// Deployments of a workspace.
    package var deployments: Int
    /// Whether a deployment may ask nobody for a key.
    package var allowsOpen: Bool
    /// Tokens of a deployment that have not ended.
    package var tokens: Int

    package init(replicas: Int32 = 100, deployments: Int = 10_000, allowsOpen: Bool = false, tokens: Int = 1000) {
        self.replicas = replicas
        self.deployments = deployments
        self.allowsOpen = allowsOpen
        self.tokens = tokens
    }
}

/// Where endpoints are reached, as they are shown.
package struct EndpointAddresses: Sendable {
    /// `http://127.0.0.1:7080`.
    package var plain: String
    /// `https://127.0.0.1:7443`, for deployments with a certificate; empty where there is no TLS.
    package var secure: String
    /// Behind the names of hosts: `localhost`.
    package var domain: String

    package init(plain: String = "http://127.0.0.1:7080", secure: String = "", domain: String = "localhost") {
        self.plain = plain
        self.secure = secure
        self.domain = domain
    }

    /// - Parameters:
    ///   - host: the deployment's own; empty where there is none.
    ///   - isSecure: whether it has a certificate of its own.
    func addresses(workspace: String, name: String, host: String, isSecure: Bool) -> [String] {
        // Without a certificate of its own nobody may be there to shake hands.
        let secure = isSecure ? secure : ""
        let hosts = [domain.isEmpty ? "" : "\(name).\(workspace).\(domain)", host].filter { !$0.isEmpty }
        var found: [String] = []
        if !plain.isEmpty { found.append("\(plain)/endpoints/\(workspace)/\(name)") }
        for host in hosts {
            if !secure.isEmpty {
                found.append("https://\(host)\(port(of: secure))")
            } else if !plain.isEmpty {
                found.append("http://\(host)\(port(of: plain))")
            }
        }
        return found
    }

    private func port(of address: String) -> String {
        guard let colon = address.lastIndex(of: ":") else { return "" }
        let port = address[colon...].prefix { $0 != "/" }
        return port.dropFirst().allSatisfy(\.isNumber) && port.count > 1 ? String(port) : ""
    }
}
