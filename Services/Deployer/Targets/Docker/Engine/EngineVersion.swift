/// A version of the Engine API: `1.41`.
struct EngineVersion: Hashable, Comparable, Sendable, CustomStringConvertible {
    var major: Int
    var minor: Int

    init(_ major: Int, _ minor: Int) {
        self.major = major
        self.minor = minor
    }

    init?(_ text: String) {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 2, let major = Int(parts[0]), let minor = Int(parts[1]), major >= 0, minor >= 0 else {
            return nil
        }
        self.init(major, minor)
    }

    static func < (left: EngineVersion, right: EngineVersion) -> Bool {
        (left.major, left.minor) < (right.major, right.minor)
    }

    var description: String { "\(major).\(minor)" }

    /// What is needed: devices by capability came with it.
    static let oldest = EngineVersion(1, 40)
    /// What we were written against; engines speak older versions for years.
    static let newest = EngineVersion(1, 47)
}

/// What an engine is, as it says itself.
struct EngineFacts: Hashable, Sendable {
    /// `Docker 20.10.24`, `podman 4.3.1`.
    var product: String
    var operatingSystem: String
    /// As Go calls it: `amd64`.
    var architecture: String
    /// The version that we speak with it.
    var spoken: EngineVersion

    /// - Parameter answer: to `/version`.
    /// - Throws: `EngineError` `.garbled`, or `.unsuitable` with what it speaks and what is needed.
    init(_ answer: EngineValue) throws(EngineError) {
        guard let said = answer["ApiVersion"].text, let newest = EngineVersion(said) else {
            throw EngineError(.garbled, "what answers does not say which version of the Engine API it speaks")
        }
        let parts = answer["Components"].items
        let isPodman = parts.contains { $0["Name"].text?.lowercased().hasPrefix("podman") ?? false }
        product = "\(isPodman ? "podman" : "Docker") \(answer["Version"].text ?? "?")"
        operatingSystem = answer["Os"].text ?? "linux"
        architecture = answer["Arch"].text ?? ""
        guard newest >= EngineVersion.oldest else {
            throw EngineError(
                .unsuitable,
                "\(product) speaks the Engine API up to \(newest), and \(EngineVersion.oldest) is needed: Docker 19.03 or newer"
            )
        }
        let oldest = answer["MinAPIVersion"].text.flatMap { EngineVersion($0) } ?? newest
        guard oldest <= EngineVersion.newest else {
            throw EngineError(
                .unsuitable,
                "\(product) speaks the Engine API from \(oldest), and this deployer knows it up to \(EngineVersion.newest)"
            )
        }
        spoken = min(newest, .newest)
    }
}
