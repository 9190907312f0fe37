import CommandLineKit

enum ImageGroup {
    static let image = Argument("IMAGE", "which: churn-svc:2, churn-svc/latest, churn-svc@production or its digest")
    static let name = Argument("NAME", "the image's name")
    static let alias = Argument("ALIAS", "the alias: production")
    static let detach = Flag.switch("detach", short: "d", "does not wait: writes the id of the activity, and ends")

    static let command = Command<Session>(
        group: "image", "Images: models with all that serves them, ready to run.",
        details: "An image is named churn-svc:2, churn-svc/2, churn-svc/latest, churn-svc@production or by its digest.",
        examples: [
            .init("slipway image build churn:3 --name churn-svc", "a model as it is"),
            .init("slipway image build churn:3 --entry score.py --deps environment.yml", "with code around it"),
            .init("slipway image show churn-svc@production", "what is in it"),
        ],
        [
            ImageBuild.command, ImageList.command, ImageShow.command, ImageSearch.command, ImageLogs.command,
            ImageTag.tag, ImageTag.untag, ImageAlias.alias, ImageAlias.unalias, ImageDelete.delete,
            ImageDelete.restore, ImageVerify.command, ImagePush.command, ImageExport.command, ImageDiff.command,
            credentials,
        ])

    private static let credentials = Command<Session>(
        group: "credential", "How other registries are signed in to, to push images there.",
        examples: [.init("slipway image credential set registry.example.com ada", "asks for the password")],
        [ImageCredential.set, ImageCredential.list, ImageCredential.delete])
}
