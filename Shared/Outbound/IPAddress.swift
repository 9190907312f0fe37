internal import Glibc

/// An address of the internet protocol, of version 4 or 6.
public struct IPAddress: Hashable, Sendable, CustomStringConvertible {
    /// 4 or 16.
    public let bytes: [UInt8]

    init(bytes: [UInt8]) { self.bytes = bytes }

    /// As it is written: `192.0.2.1`, `2001:db8::1`. No name, and none of the old ways to write a number.
    public init?(_ text: String) {
        var v4 = in_addr()
        var v6 = in6_addr()
        if inet_pton(AF_INET, text, &v4) == 1 {
            bytes = withUnsafeBytes(of: &v4) { Array($0) }
        } else if inet_pton(AF_INET6, text, &v6) == 1 {
            bytes = withUnsafeBytes(of: &v6) { Array($0) }
        } else {
            return nil
        }
    }

    /// Nil for addresses of another family.
    init?(_ address: UnsafeRawBufferPointer) {
        guard address.count >= MemoryLayout<sa_family_t>.size else { return nil }
        switch Int32(address.loadUnaligned(as: sa_family_t.self)) {
        case AF_INET where address.count >= MemoryLayout<sockaddr_in>.size:
            bytes = Array(address[4..<8])
        case AF_INET6 where address.count >= MemoryLayout<sockaddr_in6>.size:
            bytes = Array(address[8..<24])
        default: return nil
        }
    }

    /// Every address of a host, which may be a name. Blocks while it is looked up.
    /// - Throws: `OutboundError` `.unknownHost`.
    public static func look(up host: String) throws(OutboundError) -> [IPAddress] {
        var hints = addrinfo()
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        var found: UnsafeMutablePointer<addrinfo>?
        let status = getaddrinfo(host, nil, &hints, &found)
        defer { if let found { freeaddrinfo(found) } }
        guard status == 0 else {
            throw OutboundError(.unknownHost, "the host is not known: \(String(cString: gai_strerror(status)))")
        }
        var addresses: [IPAddress] = []
        var next = found
        while let info = next?.pointee {
            let raw = UnsafeRawBufferPointer(start: info.ai_addr, count: Int(info.ai_addrlen))
            if let address = IPAddress(raw), !addresses.contains(address) { addresses.append(address) }
            next = info.ai_next
        }
        guard !addresses.isEmpty else { throw OutboundError(.unknownHost, "the host has no address") }
        return addresses
    }

    /// The address of version 4 that one of version 6 stands for: where it is mapped, or where a gateway translates it.
    public var embedded: IPAddress? {
        guard bytes.count == 16 else { return nil }
        let isMapped = bytes[..<10].allSatisfy { $0 == 0 } && bytes[10] == 0xff && bytes[11] == 0xff
        let isTranslated = Array(bytes[..<12]) == [0, 0x64, 0xff, 0x9b, 0, 0, 0, 0, 0, 0, 0, 0]
        return isMapped || isTranslated ? IPAddress(bytes: Array(bytes[12...])) : nil
    }

    public var description: String {
        var text = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
        _ = inet_ntop(bytes.count == 4 ? AF_INET : AF_INET6, bytes, &text, socklen_t(text.count))
        return String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}

/// Addresses that begin alike: `10.0.0.0/8`.
public struct IPNetwork: Hashable, Sendable, CustomStringConvertible {
    public let address: IPAddress
    public let bits: Int

    /// - Parameter text: an address, or one and how many of its bits count.
    public init?(_ text: String) {
        let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        guard let first = parts.first, let address = IPAddress(String(first)) else { return nil }
        let all = address.bytes.count * 8
        guard let bits = parts.count == 2 ? Int(parts[1]) : all, (0...all).contains(bits) else { return nil }
        self.address = address
        self.bits = bits
    }

    public func contains(_ other: IPAddress) -> Bool {
        guard other.bytes.count == address.bytes.count else { return false }
        for (index, pair) in zip(address.bytes, other.bytes).enumerated() {
            let counted = min(8, bits - index * 8)
            guard counted > 0 else { return true }
            let mask = UInt8(truncatingIfNeeded: 0xff00 >> counted)
            guard pair.0 & mask == pair.1 & mask else { return false }
        }
        return true
    }

    public var description: String { "\(address)/\(bits)" }
}
