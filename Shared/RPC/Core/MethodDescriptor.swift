import Protobuf

/// Which sides of a call stream.
public enum CallShape: Sendable {
    case unary
    case clientStreaming
    case serverStreaming
    case bidirectional

    public var streamsRequests: Bool { self == .clientStreaming || self == .bidirectional }
    public var streamsResponses: Bool { self == .serverStreaming || self == .bidirectional }
}

/// What calling twice does, from the method's `idempotency_level`.
public enum Idempotency: Sendable {
    case unknown
    /// Reads only: may be repeated, and called with GET.
    case noSideEffects
    /// The second call changes nothing more: may be repeated.
    case idempotent
}

/// A method, whatever its messages. A reference, because every call carries it.
public final class AnyMethod: Sendable, CustomStringConvertible {
    /// The full name of the service: `slipway.models.v1.Models`.
    public let service: String
    public let name: String
    public let shape: CallShape
    public let idempotency: Idempotency
    /// The method's options as an encoded `google.protobuf.MethodOptions`: custom ones are read from here.
    public let options: [UInt8]
    /// `/slipway.models.v1.Models/Get`
    public let path: String

    public init(service: String, name: String, shape: CallShape, idempotency: Idempotency, options: [UInt8]) {
        self.service = service
        self.name = name
        self.shape = shape
        self.idempotency = idempotency
        self.options = options
        path = "/\(service)/\(name)"
    }

    public var description: String { "\(service)/\(name)" }
}

/// A method with the types of its messages.
public struct MethodDescriptor<Request: Message, Response: Message>: Sendable {
    public let method: AnyMethod

    public init(
        service: String, name: String, shape: CallShape, idempotency: Idempotency = .unknown, options: [UInt8] = []
    ) {
        method = AnyMethod(service: service, name: name, shape: shape, idempotency: idempotency, options: options)
    }
}

/// A service: its methods and the file that declares it.
public struct ServiceDescriptor: Sendable {
    public let fullName: String
    public let methods: [AnyMethod]
    public let file: FileDescriptor

    public init(fullName: String, methods: [AnyMethod], file: FileDescriptor) {
        self.fullName = fullName
        self.methods = methods
        self.file = file
    }
}
