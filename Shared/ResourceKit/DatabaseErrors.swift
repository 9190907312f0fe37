import Postgres
import RPC

/// What the database's failures are to a caller. Their own texts are for the log: they name tables.
extension PostgresError: RPCErrorConvertible {
    public var rpcError: RPCError {
        switch kind {
        case .connection, .closed:
            .retryLater(.unavailable, "the database can't be reached just now", after: .seconds(1))
        case .poolExhausted:
            .retryLater(.unavailable, "the service has more to do than it can just now", after: .seconds(1))
        case .outcomeUnknown:
            RPCError(.unavailable, "whether the change was made can't be said: look, or repeat it with its request_id")
        case .deadlineExceeded: RPCError(.deadlineExceeded, "the database took too long")
        case .server where isRetryable: RPCError(.aborted, "others changed the same at the same time: try again")
        case .server where code == .queryCanceled: RPCError(.deadlineExceeded, "the database took too long")
        // What names something is not checked before it is looked for; only a zero character comes this far.
        case .server where code == .characterNotInRepertoire:
            RPCError(.invalidArgument, "a text of the request has a zero character, which nothing here can have")
        case .server, .usage: RPCError(.internal, "the database refused a statement")
        }
    }
}
