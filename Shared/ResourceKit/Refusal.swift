import Protobuf
import RPC

/// Refusals that more than one method gives, so that they look alike.
package enum Refusal {
    /// What a precondition was, of what, and how it is not met.
    package struct Unmet {
        package var type: String
        package var subject: String
        package var description: String

        package init(type: String, subject: String, description: String) {
            self.type = type
            self.subject = subject
            self.description = description
        }
    }

    /// Of what is unmet: an error travels in the trailers of a call, of which many clients take no more than 8 KiB.
    private static let unmetBytesMax = 3000

    package static func notFound(_ type: String, _ name: String, _ message: String) -> RPCError {
        var detail = Google.Rpc.ResourceInfo()
        detail.resourceType = type
        detail.resourceName = name
        detail.description = message
        return RPCError(.notFound, message, details: [ErrorDetail(detail)])
    }

    package static func precondition(_ message: String, _ unmet: [Unmet]) -> RPCError {
        var detail = Google.Rpc.PreconditionFailure()
        var room = unmetBytesMax
        let named = unmet.prefix { each in
            room -= each.type.utf8.count + each.subject.utf8.count + each.description.utf8.count
            return room >= 0
        }
        detail.violations = named.map { unmet in
            var violation = Google.Rpc.PreconditionFailure.Violation()
            violation.type = unmet.type
            violation.subject = unmet.subject
            violation.description = unmet.description
            return violation
        }
        return RPCError(.failedPrecondition, message, details: [ErrorDetail(detail)])
    }

    package static func changed(_ what: String, expected: Int64, found: Int64) -> RPCError {
        .reason(
            .aborted,
            "\(what) has the revision \(found) by now, and \(expected) was expected: read it again and decide anew",
            reason: "REVISION_CHANGED", domain: "slipway",
            metadata: ["expected": "\(expected)", "found": "\(found)"])
    }
}
