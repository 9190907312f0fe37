import COpenSSL
import Glibc

/// One connection's TLS state on its socket.
final class TLSSession {
    let ssl: OpaquePointer
    private let handle: TLSContext.Handle
    private let chooser: TLSContext.Chooser?
    /// The context that the client's name led to. Kept: OpenSSL points into it until the session ends.
    private var chosen: TLSContext.Handle?
    /// What the context in use is called.
    private(set) var contextName: String?

    init(
        handle: TLSContext.Handle, configuration: TLSConfiguration, role: TLSContext.Role,
        chooser: TLSContext.Chooser? = nil
    ) throws {
        guard let ssl = SSL_new(handle.context) else { throw TLSError.latest("cannot start a TLS session") }
        self.ssl = ssl
        self.handle = handle
        self.chooser = chooser
        contextName = configuration.name
        switch role {
        case .server: SSL_set_accept_state(ssl)
        case .client: SSL_set_connect_state(ssl)
        }
        if chooser != nil { SSL_set_ex_data(ssl, 0, Unmanaged.passUnretained(self).toOpaque()) }
    }

    /// Has sessions of an `SSL_CTX` ask their choosers.
    static func chooseContexts(with context: OpaquePointer) {
        slipway_ssl_never_resume(context)
        slipway_ssl_set_server_name_callback(context) { ssl, _, _ in
            guard let ssl, let pointer = SSL_get_ex_data(ssl, 0) else { return SSL_TLSEXT_ERR_NOACK }
            return Unmanaged<TLSSession>.fromOpaque(pointer).takeUnretainedValue().choose()
        }
    }

    /// In the middle of the handshake: the client has said whom it wants.
    private func choose() -> Int32 {
        guard let chooser, let text = SSL_get_servername(ssl, Int32(TLSEXT_NAMETYPE_host_name)),
            let context = chooser(String(cString: text))
        else { return SSL_TLSEXT_ERR_NOACK }
        let handle = context.handle
        guard SSL_set_SSL_CTX(ssl, handle.context) != nil else { return SSL_TLSEXT_ERR_ALERT_FATAL }
        // What the session asks of the client does not come with the context.
        SSL_set_verify(ssl, SSL_CTX_get_verify_mode(handle.context), nil)
        chosen = handle
        contextName = context.configuration.name
        return SSL_TLSEXT_ERR_OK
    }

    deinit { SSL_free(ssl) }

    func attach(_ descriptor: Int32) { SSL_set_fd(ssl, descriptor) }

    /// Client: the name to ask for and to find in the certificate.
    /// - Throws: `TLSError` where it is no name: OpenSSL would take a certificate for any name instead.
    func expect(serverName: String, verifying: Bool) throws(TLSError) {
        var v4 = in_addr()
        var v6 = in6_addr()
        var isSet = true
        if inet_pton(AF_INET, serverName, &v4) == 1 || inet_pton(AF_INET6, serverName, &v6) == 1 {
            if verifying { isSet = X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), serverName) == 1 }
        } else {
            let isName = !serverName.isEmpty && !serverName.utf8.contains(0)
            isSet = isName && slipway_ssl_set_server_name(ssl, serverName) == 1
            if isSet, verifying { isSet = SSL_set1_host(ssl, serverName) == 1 }
        }
        if !isSet { throw TLSError.latest("no certificate can be checked for the server name \"\(serverName)\"") }
    }

    enum Handshake {
        case done
        case pending
        case failed(TLSError)
    }

    func handshake() -> Handshake {
        ERR_clear_error()
        let status = SSL_do_handshake(ssl)
        if status == 1 { return .done }
        switch SSL_get_error(ssl, status) {
        case SSL_ERROR_WANT_READ, SSL_ERROR_WANT_WRITE: return .pending
        default:
            let verification = SSL_get_verify_result(ssl)
            if verification != Int(X509_V_OK), let text = X509_verify_cert_error_string(verification) {
                ERR_clear_error()
                return .failed(TLSError(message: "the peer's certificate is refused: \(String(cString: text))"))
            }
            return .failed(TLSError.latest("the TLS handshake failed"))
        }
    }

    /// The protocol that ALPN chose, if any.
    var chosenProtocol: String? {
        var name: UnsafePointer<UInt8>?
        var count: UInt32 = 0
        SSL_get0_alpn_selected(ssl, &name, &count)
        guard let name, count > 0 else { return nil }
        return String(decoding: UnsafeBufferPointer(start: name, count: Int(count)), as: UTF8.self)
    }

    @inline(__always)
    func read(_ buffer: UnsafeMutableRawBufferPointer) -> TransportResult {
        ERR_clear_error()
        let count = SSL_read(ssl, buffer.baseAddress, Int32(clamping: buffer.count))
        if count > 0 { return .bytes(Int(count)) }
        switch SSL_get_error(ssl, count) {
        case SSL_ERROR_WANT_READ, SSL_ERROR_WANT_WRITE: return .wouldBlock
        case SSL_ERROR_ZERO_RETURN: return .ended
        default: return .failed
        }
    }

    @inline(__always)
    func write(_ bytes: UnsafeRawBufferPointer) -> TransportResult {
        ERR_clear_error()
        let count = SSL_write(ssl, bytes.baseAddress, Int32(clamping: bytes.count))
        if count > 0 { return .bytes(Int(count)) }
        switch SSL_get_error(ssl, count) {
        case SSL_ERROR_WANT_READ, SSL_ERROR_WANT_WRITE: return .wouldBlock
        default: return .failed
        }
    }

    /// Says goodbye; whether it arrives does not matter.
    func sayGoodbye() {
        ERR_clear_error()
        _ = SSL_shutdown(ssl)
        ERR_clear_error()
    }
}
