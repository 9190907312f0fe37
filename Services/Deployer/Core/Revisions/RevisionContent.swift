internal import Access
internal import Blobs
internal import Contracts
internal import RPC
internal import ResourceKit

/// What a revision runs: an image, or one that is still to be built.
enum RevisionContent: Hashable, Sendable {
    case image(FoundImage)
    /// A version of a model, `churn:3`, of which there is no image.
    case model(String)

    /// Finds out what somebody means.
    /// - Throws: `RPCError`: `invalidArgument`, `notFound` with what may have been meant.
    static func find(
        _ content: V1.Content?, _ images: any ImageSource, for acting: Acting
    ) async throws -> RevisionContent {
        switch content?.kind {
        case nil: throw RPCError.badRequest(field: "content", "say what runs: an image, or a version of a model")
        case .image(let text):
            guard !text.isEmpty else { throw RPCError.badRequest(field: "content.image", "it is empty") }
            return .image(try await naming("content.image") { try await images.image(text, for: acting) })
        case .model(let text):
            guard !text.isEmpty else { throw RPCError.badRequest(field: "content.model", "it is empty") }
            let version = try await naming("content.model") { try await images.version(of: text, for: acting) }
            if let image = try await images.image(of: version, for: acting) { return .image(image) }
            return .model(version)
        }
    }

    /// The other service knows its own fields' names, and the caller knows ours.
    private static func naming<Result>(_ field: String, _ body: () async throws -> Result) async throws -> Result {
        do { return try await body() } catch let error as RPCError where error.code == .invalidArgument {
            throw RPCError.badRequest(field: field, error.message)
        }
    }

    var models: [String] {
        switch self {
        case .image(let image): image.models
        case .model(let version): [version]
        }
    }

    /// For people.
    var text: String {
        switch self {
        case .image(let image): image.text
        case .model(let version): "an image of \(version)"
        }
    }
}
