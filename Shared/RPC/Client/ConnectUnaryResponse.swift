import HTTP
import Protobuf

/// A Connect response of one message: a plain HTTP response.
struct ConnectUnaryResponse: ResponseReader {
    private let codec: Codec
    private let limit: Int
    private var compression = NamedCompression.known(.identity)
    private var content: [UInt8] = []
    private var status = 0
    private var isErrorJSON = false
    private var metadata = Metadata()
    private var trailing = Metadata()

    init(codec: Codec, limit: Int) {
        self.codec = codec
        self.limit = limit
    }

    mutating func head(_ head: ResponseHead) -> ResponseStart {
        status = head.status
        for (name, value) in head.fields {
            if name.hasPrefix("trailer-") {
                trailing.add(String(name.dropFirst("trailer-".count)), value)
            } else {
                metadata.add(name, value)
            }
        }
        compression = NamedCompression(head.fields["content-encoding"])
        let type = mediaType(head.fields)
        guard status == 200 else {
            isErrorJSON = type == "application/json"
            return .undecided(metadata)
        }
        let wanted = codec == .json ? "application/json" : "application/proto"
        guard type == wanted else {
            let code: RPCCode = type == "application/json" || type == "application/proto" ? .internal : .unknown
            return .failed(
                CallOutcome(error: RPCError(code, "the response's content type is \"\(type)\" and not \(wanted)")))
        }
        if case .unknown(let name) = compression {
            return .failed(
                CallOutcome(error: RPCError(.internal, "the response's content-encoding \"\(name)\" is unknown")))
        }
        return .accepted(metadata)
    }

    mutating func body(_ bytes: UnsafeRawBufferPointer, _ message: (InboundMessage) -> Void) throws(RPCError) {
        guard content.count + bytes.count <= limit else {
            throw CallInput.error(.tooLarge(length: content.count + bytes.count, limit: limit))
        }
        content.append(contentsOf: bytes)
    }

    mutating func end(_ trailers: HeaderFields?, _ message: (InboundMessage) -> Void) -> CallOutcome {
        var outcome = CallOutcome(error: nil, trailing: trailing)
        let bytes = content
        content = []
        do throws(RPCError) {
            let isCompressed = compression != .known(.identity) && !bytes.isEmpty
            let whole = try ResponseMessages.message(bytes, isCompressed: isCompressed, compression)
            if status == 200 {
                message(whole)
            } else {
                outcome.error = failure(try ResponseMessages.unfold(whole, limit: limit))
            }
        } catch { outcome.error = status == 200 ? error : failure([]) }
        return outcome
    }

    private func failure(_ body: [UInt8]) -> RPCError {
        let fallback = RPCCode(responseStatus: status)
        var error =
            (isErrorJSON ? ConnectJSON.error(of: body[...], fallback: fallback) : nil)
            ?? RPCError(fallback, "the server answered with HTTP status \(status)")
        error.metadata = metadata.withoutReserved()
        error.metadata.append(trailing.withoutReserved())
        return error
    }
}
