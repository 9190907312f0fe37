import Protobuf

extension RPCError {
    /// The error as a `google.rpc.Status`, as it travels in `grpc-status-details-bin`.
    var statusMessage: Google.Rpc.Status {
        var status = Google.Rpc.Status()
        status.code = Int32(truncatingIfNeeded: code.rawValue)
        status.message = message
        status.details = details.map { detail in
            var any = Google.Protobuf.`Any`()
            any.typeUrl = "type.googleapis.com/" + detail.typeName
            any.value = detail.value
            return any
        }
        return status
    }

    /// The details of an encoded `google.rpc.Status`; none where it is damaged.
    static func details(of encoded: [UInt8]) -> [ErrorDetail] {
        guard let status = try? Google.Rpc.Status(serialized: encoded) else { return [] }
        return status.details.map { any in
            let name = any.typeUrl.split(separator: "/", omittingEmptySubsequences: false).last ?? ""
            return ErrorDetail(typeName: String(name), value: any.value)
        }
    }

    /// The status of a plain HTTP answer: what the Connect protocol gives the code, and 412 where a precondition is named
    /// that is not met. Connect's 400 would blame the request, which is right and may be sent again as it is.
    public var httpStatus: Int {
        let isUnmet =
            code == .failedPrecondition
            && details.contains { $0.typeName == Google.Rpc.PreconditionFailure.messageName }
        return isUnmet ? 412 : code.httpStatus
    }

    /// A request whose named field is wrong.
    public static func badRequest(field: String, _ description: String) -> RPCError {
        var violation = Google.Rpc.BadRequest.FieldViolation()
        violation.field = field
        violation.description = description
        var detail = Google.Rpc.BadRequest()
        detail.fieldViolations = [violation]
        return RPCError(.invalidArgument, "\(field): \(description)", details: [ErrorDetail(detail)])
    }

    /// The call may be tried again after a while.
    public static func retryLater(_ code: RPCCode, _ message: String, after delay: Duration) -> RPCError {
        var detail = Google.Rpc.RetryInfo()
        var duration = Google.Protobuf.Duration()
        let (seconds, attoseconds) = delay.components
        duration.seconds = seconds
        duration.nanos = Int32(attoseconds / 1_000_000_000)
        detail.retryDelay = duration
        let milliseconds = max(0, seconds * 1000 + attoseconds / 1_000_000_000_000_000)
        return RPCError(
            code, message, details: [ErrorDetail(detail)],
            metadata: ["grpc-retry-pushback-ms": "\(milliseconds)", "retry-after": "\((milliseconds + 999) / 1000)"])
    }

    /// A failure with a reason that programs can tell apart.
    public static func reason(
        _ code: RPCCode, _ message: String, reason: String, domain: String, metadata: [String: String] = [:]
    ) -> RPCError {
        var detail = Google.Rpc.ErrorInfo()
        detail.reason = reason
        detail.domain = domain
        detail.metadata = metadata
        return RPCError(code, message, details: [ErrorDetail(detail)])
    }
}
