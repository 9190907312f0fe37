import HTTP
import Protobuf

/// How a call ended.
struct CallOutcome: Sendable {
    /// Nil where the call succeeded.
    var error: RPCError?
    var trailing = Metadata()
    /// What looked like the response's head were its trailers.
    var isTrailersOnly = false
}

/// How a response's head, body and end become messages and an outcome, in one dialect. A value without I/O.
protocol ResponseReader {
    /// Takes the head: its metadata, or the outcome where nothing can come any more.
    mutating func head(_ head: ResponseHead) -> ResponseStart
    /// Takes body bytes and calls `message` with each message that they complete.
    mutating func body(_ bytes: UnsafeRawBufferPointer, _ message: (InboundMessage) -> Void) throws(RPCError)
    /// The peer sent all it has.
    mutating func end(_ trailers: HeaderFields?, _ message: (InboundMessage) -> Void) -> CallOutcome
}

/// What a response's head says.
enum ResponseStart {
    /// Messages follow: the call is past repeating.
    case accepted(Metadata)
    /// The status follows, or is here already.
    case undecided(Metadata)
    case failed(CallOutcome)
}

/// What the readers of messages share.
enum ResponseMessages {
    /// A message from its envelope's bytes. Its compression stays on until somebody takes it.
    static func message(
        _ bytes: [UInt8], isCompressed: Bool, _ compression: NamedCompression
    ) throws(RPCError) -> InboundMessage {
        guard isCompressed else { return InboundMessage(bytes: bytes, isCompressed: false) }
        switch compression {
        case .known(.gzip): return InboundMessage(bytes: bytes, isCompressed: true, isFolded: true)
        case .known(.identity):
            throw RPCError(.internal, "a message is marked as compressed and the response names no compression")
        case .unknown(let name): throw RPCError(.internal, "the response's compression \"\(name)\" is unknown")
        }
    }

    /// A message without its compression, piece by piece and no further than `limit`.
    /// - Throws: `resourceExhausted` over the limit, `internal` where the data is damaged: the mistake is the server's.
    static func unfold(_ message: InboundMessage, limit: Int) throws(RPCError) -> [UInt8] {
        do { return try message.unfolded(limit: limit) } catch {
            guard error.code == .invalidArgument else { throw error }
            throw RPCError(.internal, error.message)
        }
    }
}

/// A compression as a peer named it.
enum NamedCompression: Equatable {
    case known(Compression)
    case unknown(String)

    init(_ name: String?) {
        guard let name, !name.isEmpty else {
            self = .known(.identity)
            return
        }
        self = Compression(rawValue: name).map { .known($0) } ?? .unknown(name)
    }
}

/// A content type without its parameters, in lower case.
func mediaType(_ fields: HeaderFields) -> String {
    String((fields["content-type"] ?? "").prefix { $0 != ";" }).filter { $0 != " " }.lowercased()
}
