internal import COpenSSL
internal import Glibc

/// Certificates as PEM carries them, read to be judged.
final class Certificates {
    /// What was wrong with the text.
    struct Failure: Error {
        let message: String
    }

    static let certificatesMax = 100

    private let all: [OpaquePointer]

    /// - Throws: `Failure` where there is none, or one that can't be read.
    init(pem: String) throws(Failure) {
        var found: [OpaquePointer] = []
        guard let memory = Self.memory(pem) else { throw Failure(message: "it can't be read") }
        defer {
            BIO_free(memory)
            ERR_clear_error()
        }
        while found.count <= Self.certificatesMax, let next = PEM_read_bio_X509(memory, nil, nil, nil) {
            found.append(next)
        }
        all = found
        // Where the texts end the library says that no line begins another one; whatever else it says is a broken one.
        let wantsAnother = Self.marks(in: pem)
        if found.isEmpty {
            throw Failure(message: "there is no certificate in it: PEM begins with -----BEGIN CERTIFICATE-----")
        }
        if found.count != wantsAnother {
            throw Failure(
                message: "it has \(wantsAnother) certificates, of which number \(found.count + 1) can't be read")
        }
        if found.count > Self.certificatesMax {
            throw Failure(message: "it has more than \(Self.certificatesMax) certificates")
        }
    }

    deinit { for certificate in all { X509_free(certificate) } }

    private static func marks(in pem: String) -> Int {
        pem.split(separator: "\n").count { line in
            line.hasPrefix("-----BEGIN CERTIFICATE-----") || line.hasPrefix("-----BEGIN X509 CERTIFICATE-----")
                || line.hasPrefix("-----BEGIN TRUSTED CERTIFICATE-----")
        }
    }

    private static func memory(_ text: String) -> OpaquePointer? {
        guard let memory = BIO_new(BIO_s_mem()) else { return nil }
        let bytes = Array(text.utf8)
        guard BIO_write(memory, bytes, Int32(bytes.count)) == Int32(bytes.count) || bytes.isEmpty else {
            BIO_free(memory)
            return nil
        }
        return memory
    }

    /// What is wrong with the chain as that of a server, at this moment.
    func faultsOfServer(now: Int) -> [String] {
        guard let leaf = all.first else { return [] }
        var faults = all.indices.compactMap {
            fault(ofTime: all[$0], name: $0 == 0 ? "it" : "certificate \($0 + 1)", now)
        }
        if X509_check_purpose(leaf, X509_PURPOSE_SSL_SERVER, 0) != 1 {
            faults.append("it must not be used for a server: its extended key usage names none")
        }
        for (lower, upper) in zip(all, all.dropFirst()) where X509_check_issued(upper, lower) != X509_V_OK {
            faults.append("the chain is broken: each certificate must be signed by the next one")
            break
        }
        return faults
    }

    /// What is wrong with them as those that vouch for callers.
    func faultsOfAuthorities(now: Int) -> [String] {
        all.enumerated().flatMap { index, certificate -> [String] in
            let name = all.count == 1 ? "it" : "certificate \(index + 1)"
            var faults = [fault(ofTime: certificate, name: name, now)].compactMap { $0 }
            if X509_check_ca(certificate) == 0 {
                faults.append("\(name) is no authority's: its basic constraints say so")
            }
            return faults
        }
    }

    /// Whether the first one is for this host.
    func isFor(host: String) -> Bool {
        guard let leaf = all.first else { return false }
        return X509_check_host(leaf, host, host.utf8.count, 0, nil) == 1
    }

    /// When the first of the chain ends, in seconds since 1970.
    var until: Int { all.compactMap { Self.seconds(X509_get0_notAfter($0)) }.min() ?? 0 }

    /// - Throws: `Failure` where the key can't be read.
    func fits(key pem: String) throws(Failure) -> Bool {
        guard let memory = Self.memory(pem) else { throw Failure(message: "it can't be read") }
        defer {
            BIO_free(memory)
            ERR_clear_error()
        }
        // Without a function that knows no pass phrase the library would ask at the terminal for one.
        guard let key = PEM_read_bio_PrivateKey(memory, nil, { _, _, _, _ in 0 }, nil) else {
            throw Failure(
                message: pem.contains("ENCRYPTED")
                    ? "it is encrypted; give it without a pass phrase" : "it is no private key as PEM")
        }
        defer { EVP_PKEY_free(key) }
        return all.first.map { X509_check_private_key($0, key) == 1 } ?? false
    }

    private func fault(ofTime certificate: OpaquePointer, name: String, _ now: Int) -> String? {
        guard let begin = Self.seconds(X509_get0_notBefore(certificate)),
            let end = Self.seconds(X509_get0_notAfter(certificate))
        else { return "\(name) says no time" }
        if end <= now { return "\(name) ended on \(Self.day(end))" }
        return begin > now ? "\(name) begins only on \(Self.day(begin))" : nil
    }

    private static func seconds(_ time: UnsafePointer<ASN1_TIME>?) -> Int? {
        var parts = tm()
        guard let time, ASN1_TIME_to_tm(time, &parts) == 1 else { return nil }
        return timegm(&parts)
    }

    private static func day(_ seconds: Int) -> String {
        var (time, parts) = (time_t(seconds), tm())
        guard gmtime_r(&time, &parts) != nil else { return "\(seconds)" }
        func two(_ number: Int32) -> String { number < 10 ? "0\(number)" : "\(number)" }
        return "\(parts.tm_year + 1900)-\(two(parts.tm_mon + 1))-\(two(parts.tm_mday))"
    }
}
