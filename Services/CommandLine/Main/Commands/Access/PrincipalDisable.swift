import CommandLineKit
import Contracts

enum PrincipalDisable {
    static let name = Argument("PRINCIPAL", "who: ada, service:ci")

    static let disable = Command<Session>(
        "disable", "Keeps a principal from signing in.", arguments: [name], flags: [Shared.reason.specification],
        examples: [.init("slipway principal disable ada --reason 'left'", "ada's tokens are good for nothing")]
    ) { values, session in try await set(true, values, session) }

    static let enable = Command<Session>(
        "enable", "Lets a principal sign in again.", arguments: [name], flags: [Shared.reason.specification],
        examples: [.init("slipway principal enable ada", "ada is back")]
    ) { values, session in try await set(false, values, session) }

    private static func set(_ disabled: Bool, _ values: Values, _ session: Session) async throws {
        let request = Slipway.Principals.V1.SetDisabledRequest(
            principal: values[name], disabled: disabled, reason: values[Shared.reason] ?? "")
        let principal = try await session.connect().principals.setDisabled(request)
        try session.show(principal) { "" }
        session.done("\(principal.name) \(disabled ? "can't sign in any more" : "can sign in again")")
    }
}
