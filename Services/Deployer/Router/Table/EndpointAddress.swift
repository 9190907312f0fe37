import HTTP

/// What a request says of the deployment that it wants: by a field, by its host, or by its path, in this order.
enum EndpointAddress: Equatable {
    /// The path is the replica's as it stands.
    case field(EndpointName)
    /// `prefix` bytes of the target are ours.
    case path(EndpointName, prefix: Int)
    /// `NAME.WORKSPACE.DOMAIN`, or any other host that may be a deployment's own.
    case host(String)
    /// The field is there and can't be read.
    case malformed

    private static let start = Array("/endpoints/".utf8)

    /// The address in the target's path, where it has one.
    static func inPath(_ head: RequestHead) -> EndpointAddress? {
        head.withTargetBytes { bytes in
            guard bytes.count > start.count, bytes.starts(with: start) else { return nil }
            let end = bytes.firstIndex(of: UInt8(ascii: "?")) ?? bytes.count
            let slash = UInt8(ascii: "/")
            guard let middle = bytes[start.count..<end].firstIndex(of: slash) else { return nil }
            let last = bytes[(middle + 1)..<end].firstIndex(of: slash) ?? end
            guard middle > start.count, last > middle + 1 else { return nil }
            let name = EndpointName(
                workspace: String(decoding: bytes[start.count..<middle], as: UTF8.self),
                name: String(decoding: bytes[(middle + 1)..<last], as: UTF8.self))
            return .path(name, prefix: last)
        }
    }

    static func inField(_ head: RequestHead) -> EndpointAddress? {
        guard let text = head.fields.text("slipway-deployment") else { return nil }
        return EndpointName(text).map { .field($0) } ?? .malformed
    }

    /// The host without its port, in lower case, without a dot at its end.
    static func host(of authority: String) -> String {
        var host = authority[...]
        if let colon = host.lastIndex(of: ":"), !host.hasSuffix("]") { host = host[..<colon] }
        if host.hasSuffix(".") { host = host.dropLast() }
        return host.lowercased()
    }

    /// What the replica is asked for: the target without what is ours.
    static func target(of head: RequestHead, without prefix: Int) -> String {
        guard prefix > 0 else { return head.target }
        return head.withTargetBytes { bytes in
            let rest = bytes[min(prefix, bytes.count)...]
            let text = String(decoding: rest, as: UTF8.self)
            return rest.first == UInt8(ascii: "/") ? text : "/" + text
        }
    }
}
