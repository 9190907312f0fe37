import Protobuf

/// Why a call failed, as its caller sees it.
public struct RPCError: Error, Sendable, CustomStringConvertible {
    public var code: RPCCode
    /// A sentence for a person: what was wrong, where, and what would be right.
    public var message: String
    /// Typed facts for programs, such as `Google.Rpc.BadRequest`.
    public var details: [ErrorDetail]
    /// Metadata that goes with the status.
    public var metadata: Metadata

    public init(_ code: RPCCode, _ message: String, details: [ErrorDetail] = [], metadata: Metadata = [:]) {
        self.code = code
        self.message = message
        self.details = details
        self.metadata = metadata
    }

    public var description: String { message.isEmpty ? code.name : "\(code.name): \(message)" }

    /// What a thrown error says to a caller. An error that says nothing for itself becomes `unknown` without its text:
    /// texts not written for callers may hold secrets.
    public init(_ error: any Error) {
        switch error {
        case let error as RPCError: self = error
        case let error as any RPCErrorConvertible: self = error.rpcError
        case is CancellationError: self.init(.cancelled, "the call was cancelled")
        default: self.init(.unknown, "the service failed")
        }
    }
}

/// A domain's error that knows how it looks to a caller. Conform in one place per module.
public protocol RPCErrorConvertible: Error {
    var rpcError: RPCError { get }
}

/// One typed detail of an error: a message with its type's name.
public struct ErrorDetail: Sendable, Hashable {
    /// The full name of the message: `google.rpc.BadRequest`.
    public var typeName: String
    public var value: Bytes

    public init(typeName: String, value: Bytes) {
        self.typeName = typeName
        self.value = value
    }

    public init(_ message: some Message) {
        self.init(typeName: type(of: message).messageName, value: message.serialized()[...])
    }

    /// The detail as a message of the type, or nil where it is another one or damaged.
    public func decode<M: Message>(as type: M.Type) -> M? {
        typeName == M.messageName ? try? M(serialized: value) : nil
    }
}
