/// Why a request, a load or an unload was not carried out: a kind that every dialect has a code for, and a text for people.
public struct ServingError: Error, Sendable, Equatable, CustomStringConvertible {
    public enum Kind: Sendable, Equatable {
        /// No model of this name, or no such version.
        case notFound
        /// The request's tensors are not what the model takes.
        case invalidInput
        /// The model is there and does not serve: loading, unloading or failed.
        case notReady
        /// Too many wait already; the caller may come again.
        case overloaded
        /// Its time ran out, in the queue or in the model.
        case deadlineExceeded
        case cancelled
        /// The framework, a device or a worker is missing.
        case unavailable
        /// The model's files are damaged, or of a format that no adapter takes.
        case unloadable
        /// More than the adapter or this server can do.
        case unsupported
        /// The model, its script or its framework failed on this request.
        case modelFailed
        /// Not permitted by the server's settings: explicit loads where a folder decides, for example.
        case refused
        /// A fault of ours.
        case faulty
    }

    public var kind: Kind
    public var message: String
    /// For `overloaded`: when to come again.
    public var retryAfter: Duration?

    public init(_ kind: Kind, _ message: String, retryAfter: Duration? = nil) {
        self.kind = kind
        self.message = message
        self.retryAfter = retryAfter
    }

    public var description: String { message }
}
