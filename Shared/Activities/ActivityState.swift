import Postgres

/// Where an activity is:
/// - `pending` → `running`, `cancelled`
/// - `running` → `succeeded`, `failed`, `cancelling`, `pending` (handed back for another process)
/// - `cancelling` → `cancelled`, `succeeded` (it was done before it noticed)
/// - `succeeded`, `failed`, `cancelled`: for good
public enum ActivityState: String, Hashable, Sendable, CaseIterable, PostgresCodable {
    case pending
    case running
    case cancelling
    case succeeded
    case failed
    case cancelled

    public var isFinal: Bool { self == .succeeded || self == .failed || self == .cancelled }
}
