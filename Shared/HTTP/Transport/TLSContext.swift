import COpenSSL
import Glibc
import Loop

/// Which files make up this side's TLS. The files are read again by `TLSContext.reload`.
public struct TLSConfiguration: Sendable {
    /// The certificate chain in PEM. Needed on a server, and on a client that proves itself.
    public var certificateFile: String?
    public var keyFile: String?
    /// Authorities in PEM. On a server: clients must prove themselves to one of these. On a client: what the server's
    /// certificate is checked against; the system's authorities where nil.
    public var authorityFile: String?
    /// The chain, its key and the authorities as PEM, in place of those of files.
    public var certificateText: String?
    public var keyText: String?
    public var authorityText: String?
    /// Server only: what connections made with this context tell of it (`PeerIdentity.contextName`); nil, nothing.
    public var name: String?
    /// Server only: refuse clients without a certificate of the authorities.
    public var requiresPeerCertificate = true
    /// Client only: the name to ask for and to check, where it is not the host's.
    public var serverName: String?
    /// Client only: false accepts any certificate. For tests by hand.
    public var verifiesServer = true
    /// The protocols offered by ALPN, best first.
    public var protocols = ["h2", "http/1.1"]

    public init(certificateFile: String? = nil, keyFile: String? = nil, authorityFile: String? = nil) {
        self.certificateFile = certificateFile
        self.keyFile = keyFile
        self.authorityFile = authorityFile
    }
}

/// One side's TLS state. Connections made after a `reload` use the new certificates, those before keep theirs.
public final class TLSContext: Sendable {
    public enum Role: Sendable { case server, client }

    /// Server: the context for a name that a client asks for; nil where this one is right.
    public typealias Chooser = @Sendable (_ serverName: String) -> TLSContext?

    public let configuration: TLSConfiguration
    let role: Role
    let chooser: Chooser?
    private let current: Lock<Handle>

    /// - Parameter chooser: server only: asked on the connection's loop for each handshake, so that certificates can be
    ///   added and replaced without touching connections. With one, this context needs no certificate of its own: a client
    ///   that asks for no name, or for one that nobody has, is refused then. Sessions are not resumed: one that was
    ///   begun with another context must not go around what this one asks of clients.
    /// - Throws: `TLSError` naming the file and what is wrong with it.
    public init(_ configuration: TLSConfiguration, role: Role, chooser: Chooser? = nil) throws {
        self.configuration = configuration
        self.role = role
        self.chooser = chooser
        current = Lock(try Handle(configuration, role: role, choosing: chooser != nil))
    }

    /// Reads the files again. Where one is bad the old certificates stay in use.
    public func reload() throws {
        let fresh = try Handle(configuration, role: role, choosing: chooser != nil)
        current.withLock { $0 = fresh }
    }

    func makeSession() throws -> TLSSession {
        try TLSSession(
            handle: handle, configuration: configuration, role: role, chooser: role == .server ? chooser : nil)
    }

    var handle: Handle { current.withLock { $0 } }

    /// An `SSL_CTX` with its lifetime.
    final class Handle: @unchecked Sendable {
        let context: OpaquePointer
        /// The ALPN list in wire form, in a cell of its own because the selection callback gets one pointer.
        private let alpn: UnsafeMutablePointer<UnsafeMutableBufferPointer<UInt8>>

        init(_ configuration: TLSConfiguration, role: Role, choosing: Bool = false) throws {
            guard let context = SSL_CTX_new(role == .server ? TLS_server_method() : TLS_client_method()) else {
                throw TLSError.latest("cannot start TLS")
            }
            self.context = context
            let wire = configuration.protocols.flatMap { [UInt8($0.utf8.count)] + Array($0.utf8) }
            let list = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: wire.count)
            _ = list.initialize(from: wire)
            alpn = .allocate(capacity: 1)
            alpn.initialize(to: list)
            _ = slipway_ssl_require_tls12(context)
            _ = slipway_ssl_set_modes(context)
            _ = slipway_ssl_set_options(context)
            try loadCertificate(configuration, isNeeded: role == .server && !choosing)
            try loadAuthorities(configuration, role: role)
            setVerification(configuration, role: role)
            setProtocols(role)
            if choosing { TLSSession.chooseContexts(with: context) }
        }

        deinit {
            SSL_CTX_free(context)
            alpn.pointee.deallocate()
            alpn.deallocate()
        }

        private func setVerification(_ configuration: TLSConfiguration, role: Role) {
            switch role {
            case .server where configuration.authorityFile != nil || configuration.authorityText != nil:
                let must = configuration.requiresPeerCertificate ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT : 0
                SSL_CTX_set_verify(context, SSL_VERIFY_PEER | must, nil)
                // Sessions are resumed only within the same authority's reign.
                SSL_CTX_set_session_id_context(context, "slipway", 7)
            case .client where configuration.verifiesServer:
                SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nil)
            default:
                SSL_CTX_set_verify(context, SSL_VERIFY_NONE, nil)
            }
        }

        private func setProtocols(_ role: Role) {
            guard role == .server else {
                SSL_CTX_set_alpn_protos(context, alpn.pointee.baseAddress, UInt32(alpn.pointee.count))
                return
            }
            // The chosen name points into the list, which lives as long as the context does.
            SSL_CTX_set_alpn_select_cb(
                context,
                { _, out, outCount, offered, offeredCount, argument in
                    guard let out, let outCount, let argument else { return SSL_TLSEXT_ERR_NOACK }
                    let list = argument.assumingMemoryBound(to: UnsafeMutableBufferPointer<UInt8>.self).pointee
                    var chosen: UnsafeMutablePointer<UInt8>?
                    let status = SSL_select_next_proto(
                        &chosen, outCount, list.baseAddress, UInt32(list.count), offered, offeredCount)
                    out.pointee = UnsafePointer(chosen)
                    // Nothing in common is an error (RFC 7301): better here than as garbage in a parser.
                    return status == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_ALERT_FATAL
                }, alpn)
        }
    }
}

/// What OpenSSL complained about.
public struct TLSError: Error, CustomStringConvertible, Sendable {
    public let message: String

    static func latest(_ what: String) -> TLSError {
        let code = ERR_get_error()
        ERR_clear_error()
        guard code != 0 else { return TLSError(message: what) }
        var text = [CChar](repeating: 0, count: 256)
        ERR_error_string_n(code, &text, text.count)
        let reason = ERR_reason_error_string(code).map { String(cString: $0) }
        return TLSError(
            message: "\(what): \(reason ?? text.withUnsafeBufferPointer { String(cString: $0.baseAddress!) })")
    }

    public var description: String { message }
}
