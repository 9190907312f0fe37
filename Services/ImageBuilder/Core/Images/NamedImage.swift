internal import Blobs
internal import RPC
internal import ResourceKit

/// Which image somebody means: `churn:2`, `churn/2`, `churn/latest`, `churn@production`, or the digest of its manifest.
enum NamedImage: Hashable, Sendable {
    case version(VersionReference)
    /// The newest one with it: two builds of the same ingredients have the same.
    case digest(BlobDigest)

    /// - Throws: `invalidArgument` saying what would be right.
    init(_ text: String, field: String = "image") throws(RPCError) {
        if let digest = BlobDigest(text) {
            self = .digest(digest)
        } else if let reference = NamedImage.reference(text) {
            self = .version(reference)
        } else {
            let fault = text.isEmpty ? "it is empty" : "\(shown(text)) names no image"
            throw .badRequest(
                field: field, "\(fault): write name:2, name/2, name/latest, name@alias or sha256: and 64 digits")
        }
    }

    /// With or without `images/` in front, as others report what they use.
    static func reference(_ text: String) -> VersionReference? {
        VersionReference(text.hasPrefix("images/") ? text.dropFirst(7) : text[...], isName: NameRules.isImage)
    }

    /// One that names its image for ever.
    /// - Throws: `invalidArgument` for an alias, `latest` and a digest, which more than one image may have.
    static func numbered(_ text: String) throws(RPCError) -> VersionReference {
        if case .version(let reference) = try NamedImage(text), case .number = reference.which { return reference }
        throw .badRequest(
            field: "image",
            "\(shown(text)) may be another image by the time that it is looked at: name it by its number, as name:2")
    }

    var text: String {
        switch self {
        case .version(let reference): reference.text
        case .digest(let digest): "\(digest)"
        }
    }
}

extension FieldViolations {
    mutating func check(image name: String, _ field: String = "name") {
        if !NameRules.isImage(name) { add(field, "\(shown(name)) should be \(NameRules.image)") }
    }
}
