import Access
import HTTP
import Loop

extension Exchange {
    /// Finds out whom the request is for and whether it may be asked. Every request of every dialect passes here, and
    /// nowhere else.
    func admit() {
        if head.method == .connect {
            return refuse(Refusal(.unsupported, "the router leads requests to deployments, and is no proxy"))
        }
        let table = shard.table
        guard let found = locate(in: table) else { return }
        let digest = BearerToken.digest(in: head.fields)
        let now = shard.wallClock()
        guard let endpoint = found.endpoint else { return refuseUnknown(found.name, digest, now, table) }
        if let misdirected = misdirection(endpoint) { return refuse(misdirected) }
        if !endpoint.access.isOpen {
            guard let digest, let name = endpoint.access.name(of: digest, now: now) else {
                endpoint.revisions.last?.memory.refusals.add(1, ordering: .relaxed)
                return refuseStranger(digest)
            }
            keyName = name
        }
        self.endpoint = endpoint
        guard readWishes(endpoint) else { return }
        if !isGRPC, let length = head.fields.withValue("content-length", { Exchange.decimal($0) }) ?? nil,
            length > settings.bodyBytesMax
        {
            return refuseBody()
        }
        dispatch()
    }

    private func locate(in table: RoutingTable) -> (endpoint: Endpoint?, name: EndpointName)? {
        switch EndpointAddress.inField(head) {
        case .malformed:
            refuse(Refusal(.malformed, "the field slipway-deployment is WORKSPACE/NAME"))
            return nil
        case .field(let name): return (table.endpoint(named: name), name)
        default: break
        }
        let byHost = table.endpoint(at: EndpointAddress.host(of: head.authority))
        if let endpoint = byHost.endpoint { return (endpoint, endpoint.name) }
        if let path = EndpointAddress.inPath(head), case .path(let name, _) = path {
            prefix = path
            return (table.endpoint(named: name), name)
        }
        if let name = byHost.name { return (nil, name) }
        let hosts = table.domain.isEmpty ? "" : ", by the host NAME.WORKSPACE.\(table.domain)"
        refuse(
            Refusal(
                .notFound,
                "no deployment is addressed; one is by the path /endpoints/WORKSPACE/NAME/\(hosts), "
                    + "or by the field slipway-deployment: WORKSPACE/NAME"))
        return nil
    }

    /// A key that opens other deployments of the workspace may know what they are; everybody else hears what one hears who
    /// has no key to a deployment that is there.
    private func refuseUnknown(
        _ name: EndpointName, _ digest: SHA256Digest?, _ now: Int64, _ table: RoutingTable
    ) {
        guard let digest else { return refuseStranger(nil) }
        let opened = table.endpoints(openedBy: digest, now: now).filter { $0.name.workspace == name.workspace }
        guard !opened.isEmpty else { return refuseStranger(digest) }
        let names = opened.map(\.name.name).sorted().joined(separator: ", ")
        refuse(
            Refusal(
                .notFound,
                "there is no deployment \(name.name) in the workspace \(name.workspace); your key opens \(names)"))
    }

    private func refuseStranger(_ digest: SHA256Digest?) {
        let what =
            digest == nil
            ? "a key or token is needed: authorization: Bearer KEY" : "the key or token opens no such deployment now"
        refuse(Refusal(.unauthenticated, what))
    }

    /// A connection that was made for somebody else must not be a way around what a deployment asks of its callers.
    private func misdirection(_ endpoint: Endpoint) -> Refusal? {
        if let made = peer.contextName, made != endpoint.tls?.name {
            return Refusal(
                .misdirected, "the connection was made with the certificate of another deployment; make one of its own")
        }
        guard let tls = endpoint.tls, tls.isMutual else { return nil }
        if !peer.isEncrypted {
            return Refusal(.forbidden, "this deployment is asked over TLS, with a client certificate")
        }
        guard peer.contextName == tls.name, peer.certificate != nil else {
            return Refusal(
                .misdirected, "this deployment asks for a client certificate; connect under its own host name")
        }
        return nil
    }

    /// - Returns: false where a field can't be read; the request is refused then.
    private func readWishes(_ endpoint: Endpoint) -> Bool {
        if let text = head.fields.text("slipway-revision") {
            guard let number = Int32(text), number > 0 else {
                refuse(Refusal(.malformed, "the field slipway-revision is a number"))
                return false
            }
            wantedRevision = number
        }
        if let text = head.fields.text("slipway-route"), !text.isEmpty, text.utf8.count <= 256 { stickiness = text }
        return true
    }

    private static func decimal(_ bytes: UnsafeRawBufferPointer) -> Int? {
        Int(String(decoding: bytes, as: UTF8.self))
    }
}
