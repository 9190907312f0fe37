import CommandLineKit

enum ActivityGroup {
    static let id = Argument("ID", "the activity's id, as `slipway activity list` shows it")

    static let command = Command<Session>(
        group: "activity", "Long operations: builds, pushes and whatever else takes its time.",
        examples: [
            .init("slipway activity list --state running", "what runs"),
            .init("slipway activity watch", "all of them, as they go"),
        ],
        [
            ActivityList.command, ActivityShow.command, ActivityLog.command, ActivityWatch.command,
            ActivityCancel.command, ActivityWait.command,
        ])
}
