import HTTP
import Protobuf

/// A message as it came, compression taken off.
struct InboundMessage {
    var bytes: [UInt8]
    var isCompressed: Bool
}

/// How a request's body becomes messages.
struct CallInput {
    private enum Form {
        /// Messages in envelopes.
        case framed
        /// The whole body is one message.
        case whole
        /// The message came in the request's head.
        case inHead
    }

    private let form: Form
    private let compression: Compression
    private var deframer: MessageDeframer
    private var body: [UInt8] = []

    static func framed(limit: Int, compression: Compression) -> CallInput {
        CallInput(form: .framed, compression: compression, deframer: MessageDeframer(limit: limit))
    }

    static func whole(limit: Int, compression: Compression) -> CallInput {
        CallInput(form: .whole, compression: compression, deframer: MessageDeframer(limit: limit))
    }

    static func inHead(_ message: [UInt8]) -> CallInput {
        CallInput(
            form: .inHead, compression: .identity, deframer: MessageDeframer(limit: message.count), body: message)
    }

    mutating func append(_ bytes: UnsafeRawBufferPointer, _ message: (InboundMessage) -> Void) throws(RPCError) {
        switch form {
        case .framed: try appendFramed(bytes, message)
        case .whole:
            guard body.count + bytes.count <= deframer.limit else {
                throw CallInput.error(.tooLarge(length: body.count + bytes.count, limit: deframer.limit))
            }
            body.append(contentsOf: bytes)
        case .inHead: break
        }
    }

    private mutating func appendFramed(
        _ bytes: UnsafeRawBufferPointer, _ message: (InboundMessage) -> Void
    ) throws(RPCError) {
        let (limit, compression) = (deframer.limit, compression)
        var failure: RPCError?
        do {
            try deframer.append(bytes) { envelope in
                guard failure == nil else { return }
                do throws(RPCError) {
                    message(try CallInput.unfold(envelope, compression, limit: limit))
                } catch { failure = error }
            }
        } catch {
            // What was wrong first counts, however the bytes were cut.
            throw failure ?? CallInput.error(error)
        }
        if let failure { throw failure }
    }

    mutating func end(_ message: (InboundMessage) -> Void) throws(RPCError) {
        switch form {
        case .framed:
            do { try deframer.end() } catch { throw CallInput.error(error) }
        case .whole where compression == .gzip:
            let unfolded = try CallInput.decompress(body, limit: deframer.limit)
            message(InboundMessage(bytes: unfolded, isCompressed: true))
        case .whole, .inHead: message(InboundMessage(bytes: body, isCompressed: false))
        }
        body = []
    }

    static func unfold(
        _ envelope: MessageDeframer.Envelope, _ compression: Compression, limit: Int
    ) throws(RPCError) -> InboundMessage {
        switch envelope.flags {
        case 0: return InboundMessage(bytes: envelope.bytes, isCompressed: false)
        case 1:
            guard compression == .gzip else {
                throw RPCError(.internal, "a message is marked as compressed and the request names no compression")
            }
            return InboundMessage(bytes: try decompress(envelope.bytes, limit: limit), isCompressed: true)
        default: throw RPCError(.internal, "a message's flags are \(envelope.flags); only 0 and 1 are known")
        }
    }

    static func decompress(_ bytes: [UInt8], limit: Int) throws(RPCError) -> [UInt8] {
        do { return try Gzip.decompress(bytes[...], limit: limit) } catch {
            if case .tooLarge(let limit)? = error as? Gzip.Failure {
                throw CallInput.error(.tooLarge(length: limit + 1, limit: limit))
            }
            throw RPCError(.invalidArgument, "the gzip data of a message is damaged")
        }
    }

    static func error(_ failure: MessageDeframer.Failure) -> RPCError {
        switch failure {
        case .tooLarge(let length, let limit):
            RPCError(
                .resourceExhausted,
                "a message of \(length) bytes or more is over the limit of \(limit) bytes (setting messageBytes)")
        case .truncated: RPCError(.internal, "the body ended in the middle of a message")
        }
    }
}
