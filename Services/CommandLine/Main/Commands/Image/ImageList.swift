import CommandLineKit
import Contracts

enum ImageList {
    static let prefix = Flag.text("prefix", "TEXT", "only names that begin so")
    static let all = Flag.switch("all", "every version, and not the highest alone")

    static let command = Command<Session>(
        "list", "Lists the images of the workspace, the newest first.",
        flags: [prefix.specification, all.specification, Shared.limit.specification],
        examples: [
            .init("slipway image list", "the highest version of each"),
            .init("slipway image list --all --prefix churn", "every version of some"),
        ]
    ) { values, session in
        var request = Slipway.Images.V1.SearchImagesRequest()
        request.namePrefix = values[prefix] ?? ""
        request.latest = !values[all]
        try await ImageSearch.show(request, limit: values[Shared.limit] ?? 100, session)
    }
}
