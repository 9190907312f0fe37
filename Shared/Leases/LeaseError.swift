/// Why work could not go on under a lease.
public enum LeaseError: Error, Equatable, Sendable, CustomStringConvertible {
    /// Somebody else holds it.
    case taken(kind: String, name: String)
    /// It is not held any more: it expired and was taken over, or could not be renewed in time, or was given back.
    case lost(kind: String, name: String, fence: Int64)

    public var description: String {
        switch self {
        case .taken(let kind, let name): "the lease \(kind)/\(name) is held by somebody else"
        case .lost(let kind, let name, let fence): "the lease \(kind)/\(name) with fence \(fence) is not held any more"
        }
    }
}
