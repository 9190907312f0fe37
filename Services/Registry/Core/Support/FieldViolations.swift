import Protobuf
import RPC

/// Everything that is wrong with a request, gathered before anything is said: whoever mends one thing should not have to
/// ask again to hear of the next.
struct FieldViolations {
    private static let namedMax = 100

    private var named: [Google.Rpc.BadRequest.FieldViolation] = []
    private(set) var count = 0

    var isEmpty: Bool { count == 0 }

    mutating func add(_ field: String, _ description: String) {
        count += 1
        guard named.count < FieldViolations.namedMax else { return }
        var violation = Google.Rpc.BadRequest.FieldViolation()
        violation.field = field
        violation.description = description
        named.append(violation)
    }

    /// - Throws: `invalidArgument` with all of them, where there are any.
    func check() throws(RPCError) {
        guard let first = named.first else { return }
        var detail = Google.Rpc.BadRequest()
        detail.fieldViolations = named
        let shown = named.prefix(10).map { "\($0.field): \($0.description)" }.joined(separator: "; ")
        let message =
            count == 1
            ? "\(first.field): \(first.description)"
            : "\(count) things are wrong: \(shown)" + (count > 10 ? "; and \(count - 10) more" : "")
        throw RPCError(.invalidArgument, message, details: [ErrorDetail(detail)])
    }
}
