import HTTP
import Protobuf

/// A Connect response of messages in envelopes, the last of which holds the outcome.
struct ConnectStreamingResponse: ResponseReader {
    private let codec: Codec
    private var deframer: MessageDeframer
    private var compression = NamedCompression.known(.identity)
    private var outcome: CallOutcome?
    /// Takes over where the response is an error before the stream began.
    private var refusal: ConnectUnaryResponse?

    init(codec: Codec, limit: Int) {
        self.codec = codec
        deframer = MessageDeframer(limit: limit)
    }

    mutating func head(_ head: ResponseHead) -> ResponseStart {
        guard head.status == 200 else {
            var refusal = ConnectUnaryResponse(codec: codec, limit: deframer.limit)
            let start = refusal.head(head)
            self.refusal = refusal
            return start
        }
        let type = mediaType(head.fields)
        let wanted = codec == .json ? "application/connect+json" : "application/connect+proto"
        guard type == wanted else {
            let code: RPCCode = type.hasPrefix("application/connect+") ? .internal : .unknown
            return .failed(
                CallOutcome(error: RPCError(code, "the response's content type is \"\(type)\" and not \(wanted)")))
        }
        compression = NamedCompression(head.fields["connect-content-encoding"])
        if case .unknown(let name) = compression {
            return .failed(
                CallOutcome(
                    error: RPCError(.internal, "the response's connect-content-encoding \"\(name)\" is unknown")))
        }
        return .accepted(Metadata(fields: head.fields))
    }

    mutating func body(_ bytes: UnsafeRawBufferPointer, _ message: (InboundMessage) -> Void) throws(RPCError) {
        if refusal != nil {
            try refusal?.body(bytes, message)
            return
        }
        let limit = deframer.limit
        let compression = compression
        var outcome = outcome
        var failure: RPCError?
        do {
            try deframer.append(bytes) { envelope in
                guard failure == nil else { return }
                do throws(RPCError) {
                    guard outcome == nil else {
                        throw RPCError(.internal, "a message came after the end of the stream")
                    }
                    guard envelope.flags < 4 else {
                        throw RPCError(.internal, "a message's flags are \(envelope.flags), which means nothing")
                    }
                    let whole = try ResponseMessages.message(
                        envelope.bytes, isCompressed: envelope.flags & 1 != 0, compression)
                    if envelope.flags & ConnectJSON.endFlag != 0 {
                        outcome = try ConnectStreamingResponse.outcome(ResponseMessages.unfold(whole, limit: limit))
                    } else {
                        message(whole)
                    }
                } catch { failure = error }
            }
        } catch { throw CallInput.error(error) }
        self.outcome = outcome
        if let failure { throw failure }
    }

    private static func outcome(_ bytes: [UInt8]) throws(RPCError) -> CallOutcome {
        do {
            let (error, metadata) = try ConnectJSON.readEndOfStream(bytes[...])
            var outcome = CallOutcome(error: error, trailing: metadata)
            outcome.error?.metadata = metadata.withoutReserved()
            return outcome
        } catch { throw RPCError(.internal, "the end of the stream is not the JSON that it should be: \(error)") }
    }

    mutating func end(_ trailers: HeaderFields?, _ message: (InboundMessage) -> Void) -> CallOutcome {
        if refusal != nil {
            return refusal?.end(trailers, message) ?? CallOutcome()
        }
        do { try deframer.end() } catch { return CallOutcome(error: CallInput.error(error)) }
        return outcome ?? CallOutcome(error: RPCError(.internal, "the response ended without the stream's end"))
    }
}
