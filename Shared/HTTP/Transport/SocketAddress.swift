import CLinux
import Glibc

/// Where a server listens or a client connects.
public enum SocketAddress: Hashable, Sendable, CustomStringConvertible {
    /// A host name or an IP address, and a port; port 0 lets the system choose.
    case tcp(host: String, port: Int)
    /// A socket file.
    case unix(path: String)

    /// Reads `host:port`, `[v6]:port` and `unix:/path`.
    public init?(_ text: String) {
        if text.hasPrefix("unix:") {
            self = .unix(path: String(text.dropFirst(5)))
            return
        }
        guard let colon = text.lastIndex(of: ":"), let port = Int(text[text.index(after: colon)...]),
            (0...65535).contains(port)
        else { return nil }
        var host = text[..<colon]
        if host.hasPrefix("["), host.hasSuffix("]") { host = host.dropFirst().dropLast() }
        self = .tcp(host: host.isEmpty ? "0.0.0.0" : String(host), port: port)
    }

    public var description: String {
        switch self {
        case .tcp(let host, let port): host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
        case .unix(let path): "unix:\(path)"
        }
    }
}

/// A resolved address in the kernel's form.
struct RawAddress: Sendable {
    var storage: sockaddr_storage
    var count: socklen_t

    var family: Int32 { Int32(storage.ss_family) }

    func withPointer<Result>(_ body: (UnsafePointer<sockaddr>, socklen_t) -> Result) -> Result {
        withUnsafePointer(to: storage) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, count) }
        }
    }

    /// `127.0.0.1:80`, `[::1]:80`, `unix:/path`.
    var text: String {
        if family == AF_UNIX {
            let path = withUnsafeBytes(of: storage) { bytes in
                String(decoding: bytes.dropFirst(2).prefix { $0 != 0 }, as: UTF8.self)
            }
            return "unix:\(path)"
        }
        var host = [CChar](repeating: 0, count: Int(NI_MAXHOST))
        var port = [CChar](repeating: 0, count: Int(NI_MAXSERV))
        let status = withPointer {
            getnameinfo(
                $0, $1, &host, socklen_t(host.count), &port, socklen_t(port.count), NI_NUMERICHOST | NI_NUMERICSERV)
        }
        guard status == 0 else { return "unknown" }
        let hostText = host.withUnsafeBufferPointer { String(cString: $0.baseAddress!) }
        let portText = port.withUnsafeBufferPointer { String(cString: $0.baseAddress!) }
        return hostText.contains(":") ? "[\(hostText)]:\(portText)" : "\(hostText):\(portText)"
    }

    /// Resolves an address. Blocks while a name is looked up: call it off the loops.
    static func resolve(_ address: SocketAddress, passive: Bool) throws(SocketError) -> [RawAddress] {
        switch address {
        case .unix(let path):
            var storage = sockaddr_storage()
            let count = slipway_unix_address(path, &storage)
            guard count > 0 else {
                throw SocketError("the socket path \(path) is empty or longer than 107 bytes", address)
            }
            return [RawAddress(storage: storage, count: count)]
        case .tcp(let host, let port):
            var hints = addrinfo()
            hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
            hints.ai_flags = AI_NUMERICSERV | (passive ? AI_PASSIVE : 0)
            var list: UnsafeMutablePointer<addrinfo>?
            let status = getaddrinfo(host, String(port), &hints, &list)
            guard status == 0 else { throw SocketError(String(cString: gai_strerror(status)), address) }
            defer { freeaddrinfo(list) }
            var found: [RawAddress] = []
            var next = list
            while let info = next {
                var storage = sockaddr_storage()
                memcpy(&storage, info.pointee.ai_addr, Int(info.pointee.ai_addrlen))
                found.append(RawAddress(storage: storage, count: info.pointee.ai_addrlen))
                next = info.pointee.ai_next
            }
            return found
        }
    }
}

extension RawAddress {
    /// The address where it needs no look-up: a number or a socket file.
    static func numeric(_ address: SocketAddress) -> RawAddress? {
        switch address {
        case .unix: break
        case .tcp(let host, _):
            var v4 = in_addr()
            var v6 = in6_addr()
            guard inet_pton(AF_INET, host, &v4) == 1 || inet_pton(AF_INET6, host, &v6) == 1 else { return nil }
        }
        return try? resolve(address, passive: false).first
    }
}

/// Why an address could not be used.
public struct SocketError: Error, CustomStringConvertible {
    public let reason: String
    public let address: SocketAddress

    init(_ reason: String, _ address: SocketAddress) {
        self.reason = reason
        self.address = address
    }

    init(_ operation: String, number: Int32, _ address: SocketAddress) {
        self.init("\(operation): \(String(cString: strerror(number)))", address)
    }

    public var description: String { "\(address): \(reason)" }
}
