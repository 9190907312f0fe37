import CommandLineKit
import Contracts

enum ImageSearch {
    static let name = Flag.text("name", "NAME", "only of this name")
    static let tags = Flag.list("tag", "KEY[=VALUE]", "only with this tag")
    static let model = Flag.text("model", "MODEL", "only with this model in them: churn, churn:3")
    static let digest = Flag.text("digest", "DIGEST", "only the one with this digest")
    static let latest = Flag.switch("latest", "only the highest version of each name")
    static let deleted = Flag.switch("deleted", "finds deleted images too")

    static let command = Command<Session>(
        "search", "Finds images by what is known of them, the newest first.",
        flags: [
            name.specification, tags.specification, model.specification, digest.specification, latest.specification,
            deleted.specification, Shared.limit.specification,
        ],
        examples: [
            .init("slipway image search --model churn:3", "which images have this version in them?"),
            .init("slipway image search --tag team=growth --latest", "the newest of a team"),
            .init("slipway image search --digest sha256:9f86d0… -o json", "what runs there?"),
        ]
    ) { values, session in
        var request = Slipway.Images.V1.SearchImagesRequest()
        request.name = values[name] ?? ""
        request.tags = values[tags]
        request.model = values[model] ?? ""
        request.digest = values[digest] ?? ""
        request.latest = values[latest]
        request.includeDeleted = values[deleted]
        try await show(request, limit: values[Shared.limit] ?? 100, session)
    }

    static func show(_ request: Slipway.Images.V1.SearchImagesRequest, limit: Int, _ session: Session) async throws {
        let images = try session.connect().images
        var request = request
        let found = try await Shared.pages(limit: limit) { size, token in
            request.pageSize = size
            request.pageToken = token
            let answer = try await images.searchImages(request)
            return (answer.images, answer.nextPageToken)
        }
        let message = Slipway.Images.V1.SearchImagesResponse(images: found.elements, nextPageToken: found.next)
        try session.show(message) { ImageText.table(found.elements, session) }
        Shared.noteMore(found.next, found.elements.count, session)
    }
}
