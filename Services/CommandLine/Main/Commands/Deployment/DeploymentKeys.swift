import CommandLineKit
import Contracts
import Protobuf

enum DeploymentKeys {
    static let regenerate = Flag.choice("regenerate", ["primary", "secondary"], "makes this one anew first")
    static let primary = Flag.switch("primary", "writes the primary key and nothing else")
    static let secondary = Flag.switch("secondary", "writes the secondary key and nothing else")
    static let lifetime = Flag.duration("lifetime", "how long it counts (1h); a year at most")

    static let keys = Command<Session>(
        "keys", "Shows the two keys of an endpoint, and makes one anew.",
        details: """
            Either opens the endpoint: `Authorization: Bearer KEY`. To replace a key that is in use, have callers take the \
            other one first. Who read the keys stands in the journal.
            """,
        arguments: [DeploymentGroup.name],
        flags: [
            regenerate.specification, primary.specification, secondary.specification, Shared.reason.specification,
        ],
        examples: [
            .init("slipway deployment keys churn", "both"),
            .init("key=$(slipway deployment keys churn --primary)", "in a script"),
            .init("slipway deployment keys churn --regenerate primary --reason leaked", "the secondary goes on"),
        ]
    ) { values, session in
        guard !values[primary] || !values[secondary] else {
            throw UsageError("--primary and --secondary: one of them", path: "slipway deployment keys")
        }
        let deployments = try session.connect().deployments
        let name = values[DeploymentGroup.name]
        let found: Slipway.Deployments.V1.EndpointKeys
        if let which = values[regenerate] {
            found = try await deployments.regenerateKey(
                .init(
                    name: name, key: which == "primary" ? .primary : .secondary,
                    reason: values[Shared.reason] ?? ""))
            session.done("the \(which) key of \(name) is another now; the old one ends within a second")
        } else {
            found = try await deployments.readKeys(.init(name: name))
        }
        try session.show(found) {
            if values[primary] { return found.primary + "\n" }
            if values[secondary] { return found.secondary + "\n" }
            var table = Table([.init("KEY"), .init("VALUE"), .init("MADE")])
            table.add(["primary", found.primary, session.relative(found.primarySince)])
            table.add(["secondary", found.secondary, session.relative(found.secondarySince)])
            return table.text { session.terminal.bold($0) }
        }
    }

    static let token = Command<Session>(
        "token", "Makes a token that opens an endpoint for a while.",
        details: "It is written to the standard output, and nothing else; it can't be had again.",
        arguments: [DeploymentGroup.name], flags: [lifetime.specification, Shared.reason.specification],
        examples: [
            .init("slipway deployment token churn --lifetime 8h", "for a day's work"),
            .init("curl -H \"authorization: Bearer $(slipway deployment token churn)\" …", "for one request"),
        ]
    ) { values, session in
        var request = Slipway.Deployments.V1.IssueEndpointTokenRequest()
        request.name = values[DeploymentGroup.name]
        request.lifetime = values[lifetime].map { .init($0) }
        request.reason = values[Shared.reason] ?? ""
        let issued = try await session.connect().deployments.issueEndpointToken(request)
        try session.show(issued) { issued.token + "\n" }
        session.done(issued.until.map { "it counts until \(session.exact($0))" } ?? "it has no end")
    }
}
