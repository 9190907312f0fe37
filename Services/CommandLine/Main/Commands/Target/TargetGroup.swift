import CommandLineKit
import Contracts

enum TargetGroup {
    typealias V1 = Slipway.Targets.V1

    static let name = Argument("NAME", "the target's name")

    static let command = Command<Session>(
        group: "target", "Places that run replicas: processes of a machine, container engines.",
        examples: [
            .init("slipway target list", "which there are, and what they have"),
            .init("slipway target attach engine --docker unix:///var/run/docker.sock", "a container engine"),
        ],
        [TargetAttach.command, list, show, check, detach])

    static let list = Command<Session>(
        "list", "Lists targets, by name.", examples: [.init("slipway target list", "all of them")]
    ) { _, session in
        let answer = try await session.connect().targets.listTargets(.init())
        try session.show(answer) { TargetText.table(answer.targets, session) }
    }

    static let show = Command<Session>(
        "show", "Shows a target as it was when it was last looked at.", arguments: [name],
        examples: [.init("slipway target show local", "what is promised of it?")]
    ) { values, session in
        let target = try await session.connect().targets.getTarget(.init(name: values[name]))
        try session.show(target) { TargetText.details(target, session) }
    }

    static let check = Command<Session>(
        "check", "Looks whether a target answers, and what it has.",
        details: "Exit code 6 where it can't be reached.", arguments: [name],
        examples: [.init("slipway target check engine", "is it there?")]
    ) { values, session in
        let target = try await session.connect().targets.checkTarget(.init(name: values[name]))
        try session.show(target) { TargetText.details(target, session) }
        guard target.reachable else {
            throw Failure(.unreachable, "\(target.name) can't be reached: \(DisplayText.harmless(target.message))")
        }
    }

    static let detach = Command<Session>(
        "detach", "Forgets a target. Refused while deployments run there.", arguments: [name],
        flags: [Shared.reason.specification, Shared.yes.specification],
        examples: [.init("slipway target detach engine --yes", "it is asked for nothing any more")]
    ) { values, session in
        try session.confirm("Forget the target \(values[name])?", isSure: values[Shared.yes])
        let answer = try await session.connect().targets.detachTarget(
            .init(name: values[name], reason: values[Shared.reason] ?? ""))
        try session.show(answer) { "" }
        session.done("\(values[name]) is detached")
    }
}
