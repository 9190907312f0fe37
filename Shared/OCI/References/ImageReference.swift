public import Blobs

/// Where an image is found: `registry/name:tag@digest`, with Docker's short forms.
public struct ImageReference: Hashable, Sendable, CustomStringConvertible {
    /// A host, with its port where it has one.
    public var registry: String
    public var repository: String
    public var tag: String?
    public var digest: BlobDigest?

    /// The registry that names without one mean.
    public static let usualRegistry = "docker.io"

    public init(registry: String, repository: String, tag: String? = nil, digest: BlobDigest? = nil) {
        self.registry = registry
        self.repository = repository
        self.tag = tag
        self.digest = digest
    }

    /// - Throws: `OCIError` `.malformed`, saying what such a name looks like.
    public init(_ text: String) throws(OCIError) {
        var rest = text[...]
        var digest: BlobDigest?
        if let at = rest.firstIndex(of: "@") {
            let name = rest[rest.index(after: at)...]
            guard let found = BlobDigest(name) else {
                throw Self.fault(text, "`\(name)` is no digest: sha256: and 64 hexadecimal digits")
            }
            (digest, rest) = (found, rest[..<at])
        }
        var tag: String?
        // A colon behind the last slash begins the tag; one before it a port.
        let name = rest.lastIndex(of: "/").map { rest[$0...] } ?? rest
        if let colon = name.lastIndex(of: ":") {
            let found = String(rest[rest.index(after: colon)...])
            guard Self.isTag(found) else {
                throw Self.fault(text, "`\(found)` is no tag: up to 128 letters, digits, `_`, `.` and `-`")
            }
            (tag, rest) = (found, rest[..<colon])
        }
        var registry = Self.usualRegistry
        if let slash = rest.firstIndex(of: "/") {
            let first = rest[..<slash]
            if first.contains(".") || first.contains(":") || first == "localhost" {
                guard Self.isRegistry(first) else {
                    throw Self.fault(text, "`\(first)` is no host, with its port where it has one")
                }
                registry = String(first)
                rest = rest[rest.index(after: slash)...]
            }
        }
        guard Self.isRepository(rest) else {
            throw Self.fault(text, "`\(rest)` is no repository: lower-case words with `.`, `_`, `-` inside, by slashes")
        }
        let isShort = registry == Self.usualRegistry && !rest.contains("/")
        self.init(
            registry: registry, repository: isShort ? "library/\(rest)" : String(rest), tag: tag, digest: digest)
    }

    public var description: String {
        "\(registry)/\(repository)" + (tag.map { ":\($0)" } ?? "") + (digest.map { "@\($0)" } ?? "")
    }

    /// What a registry is asked for: the digest where there is one, because a tag may move.
    public var target: String { digest.map { "\($0)" } ?? tag ?? "latest" }

    public static func isTag(_ text: some StringProtocol) -> Bool {
        guard let first = text.utf8.first, isWord(first) || first == UInt8(ascii: "_"), text.utf8.count <= 128 else {
            return false
        }
        return text.utf8.allSatisfy { isWord($0) || "_.-".utf8.contains($0) }
    }

    /// A name or an address, the latter in brackets where it has colons; nothing that a URL would read as something else.
    static func isRegistry(_ text: some StringProtocol) -> Bool {
        guard text.utf8.count <= 255 else { return false }
        var host = Substring(text)
        var port: Substring?
        if host.hasPrefix("["), let end = host.firstIndex(of: "]") {
            let rest = host[host.index(after: end)...]
            guard rest.isEmpty || rest.hasPrefix(":") else { return false }
            port = rest.isEmpty ? nil : rest.dropFirst()
            host = host[..<end].dropFirst()
            guard host.utf8.contains(0x3a), host.utf8.allSatisfy({ isHexadecimal($0) || $0 == 0x3a || $0 == 0x2e })
            else { return false }
        } else {
            if let colon = host.firstIndex(of: ":") {
                port = host[host.index(after: colon)...]
                host = host[..<colon]
            }
            guard let first = host.utf8.first, let last = host.utf8.last, isWord(first), isWord(last),
                host.utf8.allSatisfy({ isWord($0) || $0 == 0x2d || $0 == 0x2e || $0 == 0x5f })
            else { return false }
        }
        return port.map { !$0.isEmpty && $0.utf8.allSatisfy { (0x30...0x39).contains($0) } && UInt16($0) != nil }
            ?? true
    }

    private static func isHexadecimal(_ byte: UInt8) -> Bool {
        isWord(byte) && Character(Unicode.Scalar(byte)).isHexDigit
    }

    public static func isRepository(_ text: some StringProtocol) -> Bool {
        guard !text.isEmpty, text.utf8.count <= 255 else { return false }
        return String(text).split(separator: "/", omittingEmptySubsequences: false).allSatisfy { part in
            guard let first = part.utf8.first, let last = part.utf8.last, isLower(first), isLower(last) else {
                return false
            }
            var run: [UInt8] = []
            for byte in part.utf8 {
                if isLower(byte) {
                    // One dot, one or two underscores, or any number of dashes stand between words.
                    guard
                        run.isEmpty || run == [0x2e] || run == [0x5f] || run == [0x5f, 0x5f]
                            || run.allSatisfy({ $0 == 0x2d })
                    else { return false }
                    run = []
                } else if byte == 0x2e || byte == 0x5f || byte == 0x2d {
                    run.append(byte)
                } else {
                    return false
                }
            }
            return true
        }
    }

    private static func isLower(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte) || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
    }

    private static func isWord(_ byte: UInt8) -> Bool {
        isLower(byte) || (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte)
    }

    private static func fault(_ text: String, _ reason: String) -> OCIError {
        OCIError(
            .malformed, "`\(text.prefix(300))` is no image reference such as registry.example/team/churn:3: \(reason)")
    }
}
