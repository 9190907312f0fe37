import HTTP
import Protobuf

/// A message as it came, compression taken off.
struct InboundMessage {
    var bytes: [UInt8]
    var isCompressed: Bool
}

/// How a request's body becomes messages.
enum CallInput {
    /// Messages in envelopes. The two differ in what flags may say.
    case framed(MessageDeframer, compression: Compression)
    /// The whole body is one message.
    case whole([UInt8], limit: Int, compression: Compression)
    /// The message came in the request's head.
    case inHead([UInt8]?)

    mutating func append(_ bytes: UnsafeRawBufferPointer, _ message: (InboundMessage) -> Void) throws(RPCError) {
        switch self {
        case .framed(var deframer, let compression):
            // Taken out while it changes, or the array inside would be copied for each piece.
            self = .inHead(nil)
            defer { self = .framed(deframer, compression: compression) }
            let limit = deframer.limit
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
        case .whole(var body, let limit, let compression):
            self = .inHead(nil)
            defer { self = .whole(body, limit: limit, compression: compression) }
            guard body.count + bytes.count <= limit else {
                throw CallInput.error(.tooLarge(length: body.count + bytes.count, limit: limit))
            }
            body.append(contentsOf: bytes)
        case .inHead: break
        }
    }

    mutating func end(_ message: (InboundMessage) -> Void) throws(RPCError) {
        switch self {
        case .framed(let deframer, _):
            do { try deframer.end() } catch { throw CallInput.error(error) }
        case .whole(let body, let limit, let compression):
            self = .inHead(nil)
            switch compression {
            case .identity: message(InboundMessage(bytes: body, isCompressed: false))
            case .gzip:
                message(InboundMessage(bytes: try CallInput.decompress(body, limit: limit), isCompressed: true))
            }
        case .inHead(let body):
            if let body { message(InboundMessage(bytes: body, isCompressed: false)) }
            self = .inHead(nil)
        }
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
