import Postgres

/// What went wrong with asking for or about an activity.
public enum ActivityError: Error, Equatable, Sendable, CustomStringConvertible {
    case notFound(PostgresUUID)
    /// What was given is too large or malformed.
    case invalid(field: String, String)

    public var description: String {
        switch self {
        case .notFound(let id): "there is no activity \(id)"
        case .invalid(let field, let message): "\(field): \(message)"
        }
    }
}
