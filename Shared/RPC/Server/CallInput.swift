import HTTP
import Protobuf

/// A message as it came.
struct InboundMessage {
    var bytes: [UInt8]
    var isCompressed: Bool
    /// The compression is still to be taken off.
    var isFolded = false

    /// What it counts against the server's `ByteBudget`.
    var largeBytes: Int { bytes.count >= ByteBudget.largeMin ? bytes.count : 0 }

    /// The message without its compression. Taken off as late as can be: a window full of small messages may unfold to
    /// gigabytes, and only one at a time is needed.
    /// - Throws: `resourceExhausted` where it unfolds to more than `limit` bytes, `invalidArgument` where it is damaged.
    func unfolded(limit: Int) throws(RPCError) -> [UInt8] {
        isFolded ? try CallInput.decompress(bytes, limit: limit) : bytes
    }
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

    /// The largest message, before and after its compression is taken off.
    var limit: Int { deframer.limit }

    /// What came of a message that is not complete, where that is enough to count against the server's `ByteBudget`.
    var largeBytes: Int {
        let bytes = form == .framed ? deframer.partialBytes : body.count
        return bytes >= ByteBudget.largeMin ? bytes : 0
    }

    /// Forgets what is not complete.
    mutating func removeAll() {
        if !deframer.isAtBoundary { deframer.removeAll() }
        if !body.isEmpty { body = [] }
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
        let compression = compression
        var failure: RPCError?
        do {
            try deframer.append(bytes) { envelope in
                guard failure == nil else { return }
                do throws(RPCError) {
                    message(try CallInput.message(envelope, compression))
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
            message(InboundMessage(bytes: body, isCompressed: true, isFolded: true))
        case .whole, .inHead: message(InboundMessage(bytes: body, isCompressed: false))
        }
        body = []
    }

    private static func message(
        _ envelope: MessageDeframer.Envelope, _ compression: Compression
    ) throws(RPCError) -> InboundMessage {
        switch envelope.flags {
        case 0: return InboundMessage(bytes: envelope.bytes, isCompressed: false)
        case 1:
            guard compression == .gzip else {
                throw RPCError(.internal, "a message is marked as compressed and the request names no compression")
            }
            return InboundMessage(bytes: envelope.bytes, isCompressed: true, isFolded: true)
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
