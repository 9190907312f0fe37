import Access
import Postgres
import Secrets
import ServiceKit

/// What a subscription must not show: what signs its deliveries, and the values of its headers. Kept as one secret of its
/// workspace, a new one with each change: the subscription's row says which one holds.
struct SubscriptionSecrets: Equatable {
    struct Signing: Equatable {
        var secret: Secret
        /// From then on it does not count any more; nil for the present one.
        var until: PostgresTimestamp?
    }
    /// The present one first.
    var signing: [Signing] = []
    var headers: [String: Secret] = [:]

    var isEmpty: Bool { signing.isEmpty && headers.isEmpty }

    /// Those that count now.
    func current(_ now: PostgresTimestamp) -> [Secret] {
        signing.filter { $0.until.map { $0 > now } ?? true }.map(\.secret)
    }

    /// A line each. Neither names nor values of headers may have line ends or tabs; that was checked before.
    var text: Secret {
        var lines = signing.map { "sign\t\($0.until.map { "\($0.microseconds)" } ?? "")\t\($0.secret.reveal())" }
        lines += headers.sorted { $0.key < $1.key }.map { "header\t\($0.key)\t\($0.value.reveal())" }
        return Secret(lines.joined(separator: "\n"))
    }

    init() {}

    init(_ text: Secret) {
        for line in text.reveal().split(separator: "\n") {
            let parts = line.split(separator: "\t", maxSplits: 2, omittingEmptySubsequences: false).map(String.init)
            guard parts.count == 3 else { continue }
            if parts[0] == "sign" {
                signing.append(
                    Signing(
                        secret: Secret(parts[2]),
                        until: Int64(parts[1]).map { PostgresTimestamp(microseconds: $0) }))
            } else {
                headers[parts[1]] = Secret(parts[2])
            }
        }
    }

    static func newName() -> String { "events/\(PostgresUUID.random())" }

    static func newSigningSecret() -> Secret {
        var bytes: [UInt8] = []
        var generator = SystemRandomNumberGenerator()
        while bytes.count < 32 {
            withUnsafeBytes(of: generator.next() as UInt64) { bytes.append(contentsOf: $0) }
        }
        return Secret("whsec_" + Base64Text.encode(bytes))
    }
}

/// Base64 with padding (RFC 4648).
enum Base64Text {
    private static let digits = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)

    static func encode(_ bytes: [UInt8]) -> String {
        var text: [UInt8] = []
        for start in stride(from: 0, to: bytes.count, by: 3) {
            let part = bytes[start..<min(start + 3, bytes.count)]
            let value = part.reduce(0) { $0 << 8 | Int($1) } << (8 * (3 - part.count))
            for index in 0..<4 {
                text.append(index <= part.count ? digits[value >> (18 - 6 * index) & 63] : UInt8(ascii: "="))
            }
        }
        return String(decoding: text, as: UTF8.self)
    }
}
