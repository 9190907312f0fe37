public import HTTP

/// Certificates of a listener. Without any it speaks plainly.
public struct TLSSettings: ConfigurationSection {
    public var certificate = ""
    public var key = ""
    public var clients = ""
    public var clientsRequired = false

    public init() {}

    public static func describe(_ keys: inout ConfigurationKeys<TLSSettings>) {
        keys.add("certificate", \.certificate, "PEM file of the certificate and its chain; none, no TLS")
        keys.add("key", \.key, "PEM file of its key")
        keys.add("clients", \.clients, "PEM file of the authorities whose client certificates count")
        keys.add("clients_required", \.clientsRequired, "refuse clients without a certificate")
    }
}

extension TLSSettings {
    /// - Throws: `ConfigurationError`, `TLSError`.
    public func context() throws -> TLSContext? {
        guard !certificate.isEmpty || !key.isEmpty else {
            guard clients.isEmpty, !clientsRequired else {
                throw ConfigurationError(["tls.clients needs tls.certificate and tls.key"])
            }
            return nil
        }
        guard !certificate.isEmpty, !key.isEmpty else {
            throw ConfigurationError(["tls.certificate and tls.key go together"])
        }
        guard !clientsRequired || !clients.isEmpty else {
            throw ConfigurationError(["tls.clients_required needs tls.clients"])
        }
        var files = TLSConfiguration(
            certificateFile: certificate, keyFile: key, authorityFile: clients.isEmpty ? nil : clients)
        files.requiresPeerCertificate = clientsRequired
        return try TLSContext(files, role: .server)
    }
}
