internal import Contracts
import Loop
internal import Protobuf
internal import RPC
import ServiceKit
import Testing

@testable import Access

/// Knows one principal, until it is told otherwise.
private final class Fickle: PrincipalSource {
    let answer: Lock<FoundPrincipal>

    init(_ answer: FoundPrincipal) { self.answer = Lock(answer) }
    func known(_ credential: Credential) -> KnownPrincipal { .found(answer.withLock { $0 }) }
    func find(_ credential: Credential) async throws -> FoundPrincipal { answer.withLock { $0 } }
}

/// Answers once, and then says nothing until it is cancelled.
private struct Silent: RPCService {
    func handlers() -> [MethodHandler] {
        [
            .streaming(Slipway.Testing.V1.Probe.Methods.watch) { _, responses, _ in
                try await responses.write(Slipway.Testing.V1.ProbeResponse(text: "hello"))
                try await StopSignal().wait()
            }
        ]
    }
}

@Suite("calls that last", .timeLimit(.minutes(1))) struct LastingCallTests {
    @Test(
        "a stream ends with the reason once its caller is no longer allowed it",
        arguments: [AccessDialect.grpc, .connectHTTP1, .connectHTTP2], [false, true])
    func revocation(_ dialect: AccessDialect, isLowered: Bool) async throws {
        let place = Workspace(id: EntityID(high: 0, low: 1), name: "default")
        let principal = Principal(id: EntityID(high: 0, low: 2), kind: .person, name: "ada")
        func grants(_ memberships: [Membership]) -> FoundPrincipal {
            .granted(Grants(principal: principal, isAdministrator: false, memberships: memberships))
        }
        let source = Fickle(grants([Membership(place, .reader)]))
        let control = AccessControl(source, recheckInterval: .milliseconds(20))
        let server = try await MatrixServer([Silent()], control)
        let channel = dialect.channel(server, [ClientCredentials(token: AccessToken.make(.person).text)])
        let error = await failure(RPCError.self) {
            try await channel.serverStreaming(Slipway.Testing.V1.Probe.Methods.watch, .init()) { responses in
                for try await response in responses {
                    #expect(response.text == "hello")
                    source.answer.withLock { $0 = isLowered ? grants([]) : .lapsed }
                }
            }
        }
        #expect(error?.code == (isLowered ? .notFound : .unauthenticated))
        if let channel = channel as? NetworkChannel { await channel.close(grace: .zero) }
        await server.stop()
        #expect(server.rpc.callsInFlight == 0)
    }
}
