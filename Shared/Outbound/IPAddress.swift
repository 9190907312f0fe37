internal import Glibc

/// An address of the internet protocol, of version 4 or 6.
public struct IPAddress: Hashable, Sendable, CustomStringConvertible {
    /// 4 or 16.
    public let bytes: [UInt8]

    init(bytes: [UInt8]) { self.bytes = bytes }

    /// As it is written: `192.0.2.1`, `2001:db8::1`. No name, and none of the old ways to write a number.
    public init?(_ text: String) {
        guard let bytes = OutboundNetwork.address(text) else { return nil }
        self.bytes = bytes
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

    public var description: String { OutboundNetwork(address: bytes)?.description ?? "" }
}
