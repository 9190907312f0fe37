import Contracts
import RPC

/// Finds the service that tells of long operations. The events service has those of all; where it can't be had, a service
/// has its own.
struct ActivityFinder {
    typealias Client = Slipway.Activities.V1.Activities.Client

    let connection: Connection

    private static let services: [SuiteService] = [.events, .images]

    /// Asks one service after the other, and answers what the first does that knows.
    /// - Throws: `RPCError` of the one that can tell most.
    func first<Answer>(_ ask: (Client) async throws -> Answer) async throws -> (service: SuiteService, answer: Answer) {
        var seen: Set<String> = []
        var failure: RPCError?
        for service in ActivityFinder.services {
            guard seen.insert(connection.target.place(of: service).server.description).inserted else { continue }
            do { return (service, try await ask(connection.activities(of: service))) } catch let error as RPCError {
                guard ActivityFinder.mayBeElsewhere(error) else { throw error }
                // That it was looked for and is not there says more than that somebody could not be asked.
                if failure == nil || error.code == .notFound { failure = error }
            }
        }
        throw failure ?? RPCError(.unavailable, "no service tells of activities")
    }

    private static func mayBeElsewhere(_ error: RPCError) -> Bool {
        switch error.code {
        case .notFound, .unavailable, .unimplemented: true
        default: false
        }
    }

    /// - Returns: the activity, and a client of the service that has it.
    func find(_ id: String) async throws -> (client: Client, activity: Slipway.Activities.V1.Activity) {
        let found = try await first { try await $0.get(.init(id: id)) }
        return (connection.activities(of: found.service), found.answer)
    }
}
