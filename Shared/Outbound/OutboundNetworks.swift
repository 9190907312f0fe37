internal import Glibc

/// A range of IP addresses: `10.0.0.0/8`, `fd00::/8`, or one address.
public struct OutboundNetwork: Hashable, Sendable, CustomStringConvertible {
    /// Four bytes or sixteen.
    let bytes: [UInt8]
    let bits: Int

    /// Nil for what is no range.
    public init?(_ text: String) {
        let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        guard let bytes = OutboundNetwork.address(String(parts[0])) else { return nil }
        self.bytes = bytes
        guard parts.count == 2 else {
            bits = bytes.count * 8
            return
        }
        guard let bits = Int(parts[1]), (0...bytes.count * 8).contains(bits) else { return nil }
        self.bits = bits
    }

    /// One address.
    init?(address bytes: [UInt8]) {
        guard bytes.count == 4 || bytes.count == 16 else { return nil }
        self.bytes = bytes
        bits = bytes.count * 8
    }

    public var description: String {
        var text = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
        _ = inet_ntop(bytes.count == 4 ? AF_INET : AF_INET6, bytes, &text, socklen_t(text.count))
        let address = String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        return bits == bytes.count * 8 ? address : "\(address)/\(bits)"
    }

    static func address(_ text: String) -> [UInt8]? {
        var four = in_addr()
        if inet_pton(AF_INET, text, &four) == 1 { return withUnsafeBytes(of: &four) { Array($0) } }
        var six = in6_addr()
        if inet_pton(AF_INET6, text, &six) == 1 { return withUnsafeBytes(of: &six) { Array($0) } }
        return nil
    }

    func contains(_ address: [UInt8]) -> Bool {
        guard address.count == bytes.count else { return false }
        for index in 0..<bytes.count {
            let left = min(8, max(0, bits - index * 8))
            let mask = left == 0 ? 0 : UInt8.max << UInt8(8 - left)
            guard address[index] & mask == bytes[index] & mask else { return false }
        }
        return true
    }
}

/// Which addresses may be connected to. Asked for the address that a name gave, at the moment of connecting, so that
/// neither a name that changes its mind nor a redirect leads elsewhere.
public struct OutboundNetworks: Hashable, Sendable {
    /// Where machines in clouds ask who they are, and get keys for it: nobody's business whoever may send requests.
    /// Nothing allows them.
    static let never = ["169.254.0.0/16", "fe80::/10", "fd00:ec2::254", "fd20:ce::254", "100.100.100.200"].compactMap {
        OutboundNetwork($0)
    }

    /// Where not empty, nothing else.
    public var allowed: [OutboundNetwork]
    /// Not these, even where they are allowed.
    public var denied: [OutboundNetwork]
    /// For requests whose address is a program's own, not somebody's: not even metadata is denied.
    public var isUnlimited: Bool

    /// Whether a proxy that the environment names may be used. It connects in the program's place, to whatever it likes:
    /// only its own address is asked about then.
    public var allowsProxy = false

    public static let all = OutboundNetworks(isUnlimited: true)

    public init(allowed: [OutboundNetwork] = [], denied: [OutboundNetwork] = [], isUnlimited: Bool = false) {
        self.allowed = allowed
        self.denied = denied
        self.isUnlimited = isUnlimited
    }

    /// - Parameter address: as text, without a port. What is no address is not permitted.
    public func permits(_ address: String) -> Bool {
        guard let bytes = OutboundNetwork.address(address) else { return false }
        return permits(bytes)
    }

    func permits(_ address: [UInt8]) -> Bool {
        guard !isUnlimited else { return true }
        // IPv4 in IPv6's clothes: the kernel connects to the same place.
        let mapped: [UInt8] = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF]
        let translated: [UInt8] = [0, 0x64, 0xFF, 0x9B, 0, 0, 0, 0, 0, 0, 0, 0]
        var address = address
        if address.count == 16, address.starts(with: mapped) || address.starts(with: translated) {
            address = Array(address.suffix(4))
        }
        // "This host": connecting to it reaches the machine itself.
        if address.allSatisfy({ $0 == 0 }) { address = address.count == 4 ? [127, 0, 0, 1] : Self.ownSix }
        if (Self.never + denied).contains(where: { $0.contains(address) }) { return false }
        return allowed.isEmpty || allowed.contains { $0.contains(address) }
    }

    private static let ownSix: [UInt8] = Array(repeating: 0, count: 15) + [1]
}
