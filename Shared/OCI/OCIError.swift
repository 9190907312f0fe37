public import Tar

/// What is wrong with an image, a part of one, or whoever was asked for it.
public struct OCIError: Error, Equatable, Sendable, CustomStringConvertible {
    public enum Code: Sendable, Equatable {
        /// A document, an archive or a name that is not what the specification says.
        case malformed
        /// Bytes that are not those of their digest or size.
        case corrupt
        /// Well-formed, and of a kind that nothing here handles.
        case unsupported
        /// A path that leads out of its image, or through a link of it.
        case unsafe
        /// More than a limit allows.
        case tooLarge
        /// No such image, layer or platform.
        case notFound
        /// The registry wants other credentials, or none of ours.
        case unauthorised
        /// The registry knows who asks, and refuses it.
        case denied
        /// The registry is asked too much.
        case throttled
        /// Its address may not be connected to from here.
        case refused
        /// The registry doesn't answer, or not now.
        case unavailable
        /// The machine is short of something.
        case resources
    }

    public let code: Code
    public let message: String

    public init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    public var description: String { message }
}

extension OCIError {
    public init(_ error: TarError) {
        self.init(error.code == .unsafe ? .unsafe : .malformed, error.message)
    }
}
