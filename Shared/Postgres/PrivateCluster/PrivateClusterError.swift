import Glibc

/// Why there is no private cluster.
public struct PrivateClusterError: Error, Equatable, CustomStringConvertible {
    public enum Reason: Equatable, Sendable {
        /// PostgreSQL's server is not installed.
        case notInstalled
        /// The folder was made by another major version.
        case otherVersion
        /// The data folder can't be used as it is.
        case folder
        /// The server or one of its tools failed.
        case failed
    }
    public let reason: Reason
    public let description: String

    init(_ reason: Reason, _ description: String) {
        self.reason = reason
        self.description = description
    }

    static func system(_ operation: String, _ number: Int32) -> PrivateClusterError {
        PrivateClusterError(.failed, "\(operation): \(String(cString: strerror(number)))")
    }
}
