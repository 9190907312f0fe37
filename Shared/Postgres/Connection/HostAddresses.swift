import CPostgreSQL
import Glibc

/// The hosts of a connection string with their addresses looked up, for a thread that may block. libpq would look up the
/// second and later ones on the loop.
struct HostAddresses: Equatable {
    /// One host that libpq is to try, in the order of the connection string.
    struct Place: Equatable {
        var host: String
        /// Empty for a socket's folder.
        var address: String
        var port: String
    }
    var places: [Place]

    /// The settings that replace those of the connection string. The name of each host stays what a certificate is held
    /// against, and what passwords are found by.
    var settings: [(String, String)] {
        [
            ("host", places.map(\.host).joined(separator: ",")),
            ("hostaddr", places.map(\.address).joined(separator: ",")),
            ("port", places.map(\.port).joined(separator: ",")),
        ]
    }

    /// Nil where there is nothing to look up, or where libpq alone knows the hosts: those of a service file.
    /// - Throws: `PostgresError` where no host has an address.
    init?(of connection: String, resolve: (String) throws -> [String] = HostAddresses.lookUp) throws {
        let options = try PostgresConnectionString.parsed(connection)
        let isService = (options["service"] ?? "") != "" || getenv("PGSERVICE") != nil
        let defaults = isService ? [:] : PostgresConnectionString.defaults
        guard !isService, let hosts = (options["host"] ?? defaults["host"])?.split(",") else { return nil }
        let given = (options["hostaddr"] ?? defaults["hostaddr"])?.split(",") ?? []
        let ports = (options["port"] ?? defaults["port"])?.split(",") ?? [""]
        // libpq says best what is wrong with lists that do not match.
        guard given.isEmpty || given.count == hosts.count, ports.count == 1 || ports.count == hosts.count else {
            return nil
        }
        places = []
        var failure: (any Error)?
        for (index, host) in hosts.enumerated() {
            let port = ports.count == 1 ? ports[0] : ports[index]
            let known = given.isEmpty ? "" : given[index]
            if HostAddresses.isLocal(host) || !known.isEmpty {
                places.append(Place(host: host, address: known, port: port))
                continue
            }
            do {
                places += try resolve(host).map { Place(host: host, address: $0, port: port) }
            } catch {
                failure = error
            }
        }
        if places.isEmpty, let failure { throw failure }
        guard places.contains(where: { !$0.address.isEmpty }) else { return nil }
    }

    /// A socket's folder, an abstract socket, or what libpq puts there itself.
    private static func isLocal(_ host: String) -> Bool { host.isEmpty || host.hasPrefix("/") || host.hasPrefix("@") }

    /// The addresses of a name, in the resolver's order. Blocks.
    /// - Throws: `PostgresError` of kind `connection`.
    static func lookUp(_ host: String) throws -> [String] {
        var hints = addrinfo()
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        hints.ai_family = AF_UNSPEC
        var found: UnsafeMutablePointer<addrinfo>?
        let status = getaddrinfo(host, nil, &hints, &found)
        defer { if let found { freeaddrinfo(found) } }
        guard status == 0 else {
            let reason = gai_strerror(status).map { String(cString: $0) } ?? "error \(status)"
            throw PostgresError(.connection, "cannot find the address of host \"\(host)\": \(reason)")
        }
        var addresses: [String] = []
        var next = found
        while let current = next {
            defer { next = current.pointee.ai_next }
            var text = [CChar](repeating: 0, count: Int(NI_MAXHOST))
            let written = getnameinfo(
                current.pointee.ai_addr, current.pointee.ai_addrlen, &text, socklen_t(text.count), nil, 0,
                NI_NUMERICHOST)
            guard written == 0 else { continue }
            let address = text.withUnsafeBufferPointer { $0.baseAddress.map { String(cString: $0) } } ?? ""
            if !address.isEmpty, !addresses.contains(address) { addresses.append(address) }
        }
        guard !addresses.isEmpty else {
            throw PostgresError(.connection, "host \"\(host)\" has no address")
        }
        return addresses
    }
}

extension String {
    fileprivate func split(_ separator: Character) -> [String] {
        split(separator: separator, omittingEmptySubsequences: false).map(String.init)
    }
}
