import COpenSSL
import Glibc

extension TLSContext.Handle {
    /// The chain and its key, from files or from texts.
    func loadCertificate(_ configuration: TLSConfiguration, isNeeded: Bool) throws {
        if let chain = configuration.certificateText {
            try loadChain(chain)
            try loadKey(configuration.keyText ?? chain)
            guard SSL_CTX_check_private_key(context) == 1 else {
                throw TLSError.latest("the key does not belong to the certificate")
            }
        } else if let file = configuration.certificateFile {
            guard SSL_CTX_use_certificate_chain_file(context, file) == 1 else {
                throw TLSError.latest("cannot use the certificate file \(file)")
            }
            let key = configuration.keyFile ?? file
            guard SSL_CTX_use_PrivateKey_file(context, key, SSL_FILETYPE_PEM) == 1 else {
                throw TLSError.latest("cannot use the key file \(key)")
            }
            guard SSL_CTX_check_private_key(context) == 1 else {
                throw TLSError.latest("the key in \(key) does not belong to the certificate in \(file)")
            }
        } else if isNeeded {
            throw TLSError(message: "a TLS server needs a certificate")
        }
    }

    /// Whose certificates count: on a server those of clients, on a client that of the server.
    func loadAuthorities(_ configuration: TLSConfiguration, role: TLSContext.Role) throws {
        if let file = configuration.authorityFile {
            guard SSL_CTX_load_verify_locations(context, file, nil) == 1 else {
                throw TLSError.latest("cannot use the authority file \(file)")
            }
            if role == .server { SSL_CTX_set_client_CA_list(context, SSL_load_client_CA_file(file)) }
        } else if let text = configuration.authorityText {
            let count = try Self.eachCertificate(of: text) { certificate in
                guard X509_STORE_add_cert(SSL_CTX_get_cert_store(context), certificate) == 1,
                    role == .client || SSL_CTX_add_client_CA(context, certificate) == 1
                else { throw TLSError.latest("cannot use the authorities") }
            }
            guard count > 0 else { throw TLSError(message: "there is no certificate in the authorities") }
        } else if role == .client {
            SSL_CTX_set_default_verify_paths(context)
        }
    }

    private func loadChain(_ text: String) throws {
        var isFirst = true
        let count = try Self.eachCertificate(of: text) { certificate in
            let isTaken =
                isFirst
                ? SSL_CTX_use_certificate(context, certificate) == 1
                : slipway_ssl_add_chain_certificate(context, certificate) == 1
            guard isTaken else { throw TLSError.latest("cannot use the certificate") }
            isFirst = false
        }
        guard count > 0 else { throw TLSError(message: "there is no certificate in the chain") }
    }

    private func loadKey(_ text: String) throws {
        try Self.withMemory(text) { memory in
            // Without a function that knows no pass phrase the library would ask at the terminal for one.
            guard let key = PEM_read_bio_PrivateKey(memory, nil, { _, _, _, _ in 0 }, nil) else {
                throw TLSError.latest("cannot read the key")
            }
            defer { EVP_PKEY_free(key) }
            guard SSL_CTX_use_PrivateKey(context, key) == 1 else { throw TLSError.latest("cannot use the key") }
        }
    }

    /// - Returns: how many there were.
    private static func eachCertificate(of text: String, _ body: (OpaquePointer) throws -> Void) throws -> Int {
        try withMemory(text) { memory in
            var count = 0
            while let certificate = PEM_read_bio_X509(memory, nil, nil, nil) {
                defer { X509_free(certificate) }
                try body(certificate)
                count += 1
            }
            // The end of the text is an error to it.
            ERR_clear_error()
            return count
        }
    }

    private static func withMemory<Result>(_ text: String, _ body: (OpaquePointer) throws -> Result) throws -> Result {
        try Array(text.utf8).withUnsafeBytes { bytes in
            guard let memory = BIO_new_mem_buf(bytes.baseAddress, Int32(clamping: bytes.count)) else {
                throw TLSError.latest("cannot read PEM")
            }
            defer { BIO_free(memory) }
            return try body(memory)
        }
    }
}
