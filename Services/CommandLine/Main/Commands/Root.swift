import CommandLineKit

/// Everything that can be asked for.
enum Root {
    static let command: Command<Session> = Command(
        group: "slipway", "Registers models, builds images of them, and tells what happens.",
        details: """
            Sign in once with `slipway login`. What a flag says counts before SLIPWAY_SERVER, SLIPWAY_TOKEN and \
            SLIPWAY_WORKSPACE, and these before the configuration.
            """,
        flags: GlobalFlags.all,
        examples: [
            .init("slipway login --server http://127.0.0.1:7070", "sign in"),
            .init("slipway model register ./model.onnx --name churn", "the next version of churn"),
            .init("slipway image build churn:3", "an image that serves it"),
            .init("slipway events tail", "what happens, as it happens"),
            .init("slipway model search \"tags.team = 'growth' AND metrics.auc > 0.9\"", "find versions"),
        ],
        [
            Login.command, Logout.command, WhoAmI.command, contexts, workspaces, members, principals, tokens, models,
            ImageGroup.command, Deploy.command, Score.command, RunLocal.command, DeploymentGroup.command,
            TargetGroup.command, EventGroup.events,
            EventGroup.subscriptions, ActivityGroup.command, Audit.command,
            CompletionScript.command, Version.command,
        ])

    private static let contexts = Command<Session>(
        group: "context", "The suites that this machine knows.",
        examples: [.init("slipway context use prod", "work with another registry")],
        [ContextList.command, ContextUse.command, ContextSet.command, ContextShow.command])

    private static let workspaces = Command<Session>(
        group: "workspace", "Places that keep their models to themselves.",
        examples: [.init("slipway workspace list", "which there are")],
        [
            WorkspaceCreate.command, WorkspaceList.command, WorkspaceShow.command, WorkspaceArchive.archive,
            WorkspaceArchive.restore,
        ])

    private static let members = Command<Session>(
        group: "member", "Who may do what in a workspace.",
        examples: [.init("slipway member set ada contributor", "ada may register models")],
        [MemberList.command, MemberSet.command, MemberRemove.command])

    private static let principals = Command<Session>(
        group: "principal", "Who may call: people, services and deployments.",
        examples: [.init("slipway principal create ada", "somebody new")],
        [PrincipalCreate.command, PrincipalList.command, PrincipalDisable.disable, PrincipalDisable.enable])

    private static let tokens = Command<Session>(
        group: "token", "What principals sign in with.",
        examples: [.init("slipway token create laptop --lifetime 90d", "one for yourself")],
        [TokenCreate.command, TokenList.command, TokenRevoke.command])

    private static let models = Command<Session>(
        group: "model", "Models and their versions.",
        details: "A version is named churn:3, churn/3, churn/latest or churn@champion.",
        examples: [
            .init("slipway model register ./model.onnx --name churn", "the next version of churn"),
            .init("slipway model show churn@champion", "what is in use"),
        ],
        [
            ModelRegister.command, ModelList.command, ModelShow.command, ModelSearch.command, ModelDownload.command,
            ModelUpdate.command, ModelTag.command, ModelUntag.command, ModelAlias.command, ModelUnalias.command,
            ModelPromote.command, ModelHistory.command, ModelDelete.command, ModelRestore.command, ModelPurge.command,
            ModelLineage.command,
        ])
}
