import CommandLineKit
import Contracts

enum SubscriptionRotateSecret {
    static let overlap = Flag.duration("overlap", "how long the old one counts beside it (1d); 0s for not at all")

    static let command = Command<Session>(
        "rotate-secret", "Makes a new secret for signatures, and shows it this once.",
        arguments: [SubscriptionFlags.name], flags: [overlap.specification, Shared.reason.specification],
        examples: [
            .init("slipway subscription rotate-secret ci --overlap 2d", "the receiver has two days"),
            .init("slipway subscription rotate-secret ci --overlap 0s --reason leaked", "the old one is out"),
        ]
    ) { values, session in
        var request = Slipway.Events.V1.RotateSecretRequest()
        request.name = values[SubscriptionFlags.name]
        request.overlap = values[overlap].map { .init($0) }
        request.reason = values[Shared.reason] ?? ""
        let made = try await session.connect().subscriptions.rotateSecret(request)
        try session.show(made) { "\(made.secret)\n" }
        session.done("keep it: it is never shown again")
    }
}
