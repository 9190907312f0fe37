import Protobuf
import RPC

/// Everything that is wrong with a request, gathered before anything is said: whoever mends one thing should not have to
/// ask again to hear of the next.
package struct FieldViolations {
    private static let namedMax = 100
    /// An error travels in the trailers of a call, and many clients take no more than 8 KiB of them, in which what is named
    /// here stands as text and again as details.
    private static let namedBytesMax = 2000
    private static let shownBytesMax = 1000

    private var named: [Google.Rpc.BadRequest.FieldViolation] = []
    private var namedBytes = 0
    package private(set) var count = 0

    package init() {}

    package var isEmpty: Bool { count == 0 }

    package mutating func add(_ field: String, _ description: String) {
        count += 1
        let bytes = field.utf8.count + description.utf8.count
        let isRoom = named.count < FieldViolations.namedMax && namedBytes + bytes <= FieldViolations.namedBytesMax
        guard named.isEmpty || isRoom else { return }
        namedBytes += bytes
        var violation = Google.Rpc.BadRequest.FieldViolation()
        violation.field = field
        violation.description = description
        named.append(violation)
    }

    /// - Throws: `invalidArgument` with all of them, where there are any.
    package func check() throws(RPCError) {
        guard let first = named.first else { return }
        var detail = Google.Rpc.BadRequest()
        detail.fieldViolations = named
        var shown = "\(first.field): \(first.description)"
        var rest = count - 1
        for violation in named.dropFirst().prefix(9) {
            let text = "; \(violation.field): \(violation.description)"
            guard shown.utf8.count + text.utf8.count <= FieldViolations.shownBytesMax else { break }
            shown += text
            rest -= 1
        }
        let message =
            count == 1 ? shown : "\(count) things are wrong: \(shown)" + (rest > 0 ? "; and \(rest) more" : "")
        throw RPCError(.invalidArgument, message, details: [ErrorDetail(detail)])
    }
}
