import Expressions
import ResourceKit
import RPC

/// What is wrong with a query, and where.
typealias SearchError = ExpressionError

extension ExpressionError: RPCErrorConvertible {
    package var rpcError: RPCError { .badRequest(field: "query", text) }
}
