import HTTP
import Protobuf

/// A gRPC response.
struct GRPCResponse: ResponseReader {
    private let codec: Codec
    private var deframer: MessageDeframer
    private var compression = NamedCompression.known(.identity)
    /// Head fields that may turn out to be the trailers, if neither body nor trailers follow.
    private var loneHead: HeaderFields?

    init(codec: Codec, limit: Int) {
        self.codec = codec
        deframer = MessageDeframer(limit: limit)
    }

    mutating func head(_ head: ResponseHead) -> ResponseStart {
        let fields = head.fields
        let hasStatus = fields.contains("grpc-status")
        guard head.status == 200 else {
            if hasStatus { return .failed(GRPCResponse.outcome(fields)) }
            return fail(RPCCode(responseStatus: head.status), "the server answered with HTTP status \(head.status)")
        }
        let type = mediaType(fields)
        switch type {
        case "application/grpc": break
        case "application/grpc+proto" where codec == .proto: break
        case "application/grpc+json" where codec == .json: break
        default:
            if type.hasPrefix("application/grpc+") {
                return fail(.internal, "the response's messages are \(type), which was not asked for")
            }
            return fail(.unknown, "the response's content type is \"\(type)\": this is no gRPC server")
        }
        compression = NamedCompression(fields["grpc-encoding"])
        guard hasStatus else { return .accepted(Metadata(fields: fields)) }
        loneHead = fields
        return .undecided(Metadata(fields: fields))
    }

    private func fail(_ code: RPCCode, _ message: String) -> ResponseStart {
        .failed(CallOutcome(error: RPCError(code, message)))
    }

    mutating func body(_ bytes: UnsafeRawBufferPointer, _ message: (InboundMessage) -> Void) throws(RPCError) {
        loneHead = nil
        let compression = compression
        var failure: RPCError?
        do {
            try deframer.append(bytes) { envelope in
                guard failure == nil else { return }
                do throws(RPCError) {
                    guard envelope.flags < 2 else {
                        throw RPCError(.internal, "a message's flags are \(envelope.flags); only 0 and 1 are known")
                    }
                    message(
                        try ResponseMessages.message(envelope.bytes, isCompressed: envelope.flags == 1, compression))
                } catch { failure = error }
            }
        } catch { throw CallInput.error(error) }
        if let failure { throw failure }
    }

    mutating func end(_ trailers: HeaderFields?, _ message: (InboundMessage) -> Void) -> CallOutcome {
        var outcome = CallOutcome()
        if let fields = trailers ?? loneHead {
            outcome = GRPCResponse.outcome(fields)
            outcome.isTrailersOnly = trailers == nil
        } else {
            outcome.error = RPCError(.internal, "the response ended without a status")
        }
        if outcome.error == nil {
            do { try deframer.end() } catch { outcome.error = CallInput.error(error) }
        }
        return outcome
    }

    private static func outcome(_ fields: HeaderFields) -> CallOutcome {
        var outcome = CallOutcome(error: nil, trailing: Metadata(fields: fields))
        guard let text = fields["grpc-status"] else {
            outcome.error = RPCError(.internal, "the response's trailers hold no grpc-status")
            return outcome
        }
        if text == "0" { return outcome }
        let message = String(decoding: PercentEncoding.decode(fields["grpc-message"] ?? ""), as: UTF8.self)
        guard let number = Int(text), number > 0 else {
            outcome.error = RPCError(.unknown, "the response's grpc-status \"\(text)\" is no status: \(message)")
            return outcome
        }
        var error = RPCError(
            RPCCode(rawValue: number <= 16 ? number : 2), message, metadata: outcome.trailing.withoutReserved())
        if let details = fields["grpc-status-details-bin"], let bytes = Base64.decode(details) {
            error.details = RPCError.details(of: bytes)
        }
        outcome.error = error
        return outcome
    }
}
