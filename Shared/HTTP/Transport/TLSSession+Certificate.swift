import COpenSSL
import Glibc

extension TLSSession {
    /// The peer's certificate where one was given and verified.
    var peerCertificate: PeerCertificate? {
        guard SSL_get_verify_result(ssl) == Int(X509_V_OK), let certificate = SSL_get1_peer_certificate(ssl) else {
            return nil
        }
        defer { X509_free(certificate) }
        return PeerCertificate(certificate)
    }
}

extension PeerCertificate {
    fileprivate init?(_ certificate: OpaquePointer) {
        guard let name = X509_get_subject_name(certificate) else { return nil }
        subject = PeerCertificate.text(of: name)
        var common = [CChar](repeating: 0, count: 256)
        if X509_NAME_get_text_by_NID(name, NID_commonName, &common, Int32(common.count)) > 0 {
            commonName = common.withUnsafeBufferPointer { String(cString: $0.baseAddress!) }
        }
        var digest = [UInt8](repeating: 0, count: Int(EVP_MAX_MD_SIZE))
        var count: UInt32 = 0
        guard X509_digest(certificate, EVP_sha256(), &digest, &count) == 1 else { return nil }
        let digits = Array("0123456789abcdef".utf8)
        fingerprint = String(
            decoding: digest.prefix(Int(count)).flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
        readAlternativeNames(certificate)
    }

    private mutating func readAlternativeNames(_ certificate: OpaquePointer) {
        guard let pointer = X509_get_ext_d2i(certificate, NID_subject_alt_name, nil, nil) else { return }
        let names = OpaquePointer(pointer)
        defer { slipway_general_names_free(names) }
        for index in 0..<slipway_general_names_count(names) {
            guard let name = slipway_general_name(names, index) else { continue }
            var kind: Int32 = 0
            guard let value = GENERAL_NAME_get0_value(name, &kind), kind == GEN_DNS || kind == GEN_URI else { continue }
            let string = value.assumingMemoryBound(to: ASN1_STRING.self)
            guard let bytes = ASN1_STRING_get0_data(string) else { continue }
            let text = String(
                decoding: UnsafeBufferPointer(start: bytes, count: Int(ASN1_STRING_length(string))), as: UTF8.self)
            if kind == GEN_DNS { dnsNames.append(text) } else { uris.append(text) }
        }
    }

    private static func text(of name: OpaquePointer) -> String {
        guard let output = BIO_new(BIO_s_mem()) else { return "" }
        defer { BIO_free(output) }
        slipway_name_print(output, name)
        var buffer = [UInt8](repeating: 0, count: 1024)
        let count = BIO_read(output, &buffer, Int32(buffer.count))
        return String(decoding: buffer.prefix(Int(max(count, 0))), as: UTF8.self)
    }
}
