import Protobuf
import RPC

/// Refusals that more than one method gives, so that they look alike.
enum Refusal {
    /// What a precondition was, of what, and how it is not met.
    struct Unmet {
        var type: String
        var subject: String
        var description: String
    }

    static func notFound(_ type: String, _ name: String, _ message: String) -> RPCError {
        var detail = Google.Rpc.ResourceInfo()
        detail.resourceType = type
        detail.resourceName = name
        detail.description = message
        return RPCError(.notFound, message, details: [ErrorDetail(detail)])
    }

    static func precondition(_ message: String, _ unmet: [Unmet]) -> RPCError {
        var detail = Google.Rpc.PreconditionFailure()
        detail.violations = unmet.prefix(100).map { unmet in
            var violation = Google.Rpc.PreconditionFailure.Violation()
            violation.type = unmet.type
            violation.subject = unmet.subject
            violation.description = unmet.description
            return violation
        }
        return RPCError(.failedPrecondition, message, details: [ErrorDetail(detail)])
    }

    static func changed(_ what: String, expected: Int64, found: Int64) -> RPCError {
        .reason(
            .aborted,
            "\(what) has the revision \(found) by now, and \(expected) was expected: read it again and decide anew",
            reason: "REVISION_CHANGED", domain: "slipway",
            metadata: ["expected": "\(expected)", "found": "\(found)"])
    }
}
