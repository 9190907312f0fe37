import Activities
import Contracts
import Postgres
import Protobuf
import RPC

/// `slipway.activities.v1.Activities` over the activities of one service.
///
/// It knows nothing of access: whoever hosts it says in which workspace a call is and whose it is, and a call never
/// reaches beyond its workspace.
public struct ActivityService: Slipway.Activities.V1.Activities.SimpleService {
    typealias Contract = Slipway.Activities.V1

    private let activities: Activities
    private let workspace: @Sendable (ServerContext) throws -> String
    private let actor: @Sendable (ServerContext) throws -> String

    /// - Parameters:
    ///   - workspace: of the call; throws `RPCError` where it has none.
    ///   - actor: who calls, for the journal.
    public init(
        _ activities: Activities, workspace: @escaping @Sendable (ServerContext) throws -> String,
        actor: @escaping @Sendable (ServerContext) throws -> String
    ) {
        self.activities = activities
        self.workspace = workspace
        self.actor = actor
    }

    public func get(
        _ request: Slipway.Activities.V1.GetActivityRequest, context: ServerContext
    ) async throws -> Slipway.Activities.V1.Activity {
        try await answering {
            Contract.Activity(try await activities.get(id(request.id), workspace: workspace(context)))
        }
    }

    public func list(
        _ request: Slipway.Activities.V1.ListActivitiesRequest, context: ServerContext
    ) async throws -> Slipway.Activities.V1.ListActivitiesResponse {
        guard request.pageSize >= 0, request.pageSize <= Activities.pageMax else {
            throw RPCError.badRequest(
                field: "page_size", "\(request.pageSize) is not between 0 and \(Activities.pageMax)")
        }
        var cursor: ActivityCursor?
        if !request.pageToken.isEmpty {
            cursor = ActivityCursor(request.pageToken)
            guard cursor != nil else { throw RPCError.badRequest(field: "page_token", "no token of a list") }
        }
        var filter = ActivityFilter(workspace: try workspace(context))
        if !request.kind.isEmpty { filter.kind = request.kind }
        if !request.subject.isEmpty { filter.subject = request.subject }
        filter.state = try ActivityState(request.state)
        let size = request.pageSize == 0 ? 100 : Int(request.pageSize)
        return try await answering { [filter, cursor] in
            let page = try await activities.list(filter, after: cursor, limit: size)
            var response = Contract.ListActivitiesResponse()
            response.activities = page.activities.map(Contract.Activity.init)
            response.nextPageToken = page.next?.description ?? ""
            return response
        }
    }

    public func watch(
        _ request: Slipway.Activities.V1.WatchActivityRequest,
        responses: ResponseWriter<Slipway.Activities.V1.Activity>, context: ServerContext
    ) async throws {
        try await answering {
            try await activities.follow(id(request.id), workspace: workspace(context)) {
                try await responses.write(Contract.Activity($0))
                return true
            }
        }
    }

    public func log(
        _ request: Slipway.Activities.V1.ActivityLogRequest,
        responses: ResponseWriter<Slipway.Activities.V1.ActivityLogResponse>, context: ServerContext
    ) async throws {
        try await answering {
            try await activities.followLog(
                id(request.id), workspace: workspace(context), from: max(1, request.from), isFollowing: request.follow
            ) { lines in
                var response = Contract.ActivityLogResponse()
                response.lines = lines.map(Contract.ActivityLogLine.init)
                try await responses.write(response)
                return true
            }
        }
    }

    public func cancel(
        _ request: Slipway.Activities.V1.CancelActivityRequest, context: ServerContext
    ) async throws -> Slipway.Activities.V1.Activity {
        guard request.reason.utf8.count <= 4096 else {
            throw RPCError.badRequest(field: "reason", "\(request.reason.utf8.count) bytes; at most 4096 are taken")
        }
        guard !request.reason.utf8.contains(0) else { throw RPCError.badRequest(field: "reason", "a zero character") }
        return try await answering {
            Contract.Activity(
                try await activities.cancel(
                    id(request.id), workspace: workspace(context), actor: actor(context),
                    reason: request.reason.isEmpty ? nil : request.reason))
        }
    }

    private func id(_ text: String) throws -> PostgresUUID {
        guard let id = PostgresUUID(text) else { throw RPCError.badRequest(field: "id", "not a UUID") }
        return id
    }

    /// The one place where this module's errors get their codes.
    private func answering<Response>(_ body: () async throws -> Response) async throws -> Response {
        do {
            return try await body()
        } catch let error as ActivityError {
            switch error {
            case .notFound: throw RPCError(.notFound, "\(error)")
            case .invalid(let field, let message): throw RPCError.badRequest(field: field, message)
            }
        } catch let error as PostgresError {
            switch error.kind {
            case .connection, .poolExhausted, .closed: throw RPCError(.unavailable, "the database can't be reached now")
            case .deadlineExceeded: throw RPCError(.deadlineExceeded, "the database gave no answer in time")
            default: throw error
            }
        }
    }
}
