/// What kind of principal somebody is.
public enum PrincipalKind: String, Sendable, CaseIterable {
    case person
    case service
    /// A deployed model that calls others, or reports.
    case deployment
}

/// Somebody who can be allowed something.
public struct Principal: Hashable, Sendable, CustomStringConvertible {
    public let id: EntityID
    public let kind: PrincipalKind
    /// Unique among all principals.
    public let name: String

    public init(id: EntityID, kind: PrincipalKind, name: String) {
        self.id = id
        self.kind = kind
        self.name = name
    }

    /// As the journal writes an actor: `person:ada`.
    public var description: String { "\(kind.rawValue):\(name)" }
}

/// Where models, deployments and secrets live; nothing crosses from one to another.
public struct Workspace: Hashable, Sendable {
    /// The workspace of calls that name none.
    public static let usualName = "default"

    public let id: EntityID
    public let name: String
    /// It can be looked at, and not changed any more.
    public let isArchived: Bool

    public init(id: EntityID, name: String, isArchived: Bool = false) {
        self.id = id
        self.name = name
        self.isArchived = isArchived
    }
}

/// 128 bits that name something for ever; written as a UUID.
public struct EntityID: Hashable, Sendable, CustomStringConvertible {
    public let high: UInt64
    public let low: UInt64

    public init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    /// An id that everybody derives alike from a name, where there is no database to ask for one (UUID version 8).
    public init(derivedFrom name: String) {
        let digest = SHA256Digest(of: Array(name.utf8))
        high = digest.words.0 & ~0xF000 | 0x8000
        low = digest.words.1 >> 2 | 0x8000_0000_0000_0000
    }

    public var description: String {
        func hex(_ value: UInt64, _ digits: Int) -> String {
            let text = String(value, radix: 16)
            return String(repeating: "0", count: digits - text.count) + text
        }
        return [
            hex(high >> 32, 8), hex(high >> 16 & 0xFFFF, 4), hex(high & 0xFFFF, 4), hex(low >> 48, 4),
            hex(low & 0xFFFF_FFFF_FFFF, 12),
        ].joined(separator: "-")
    }
}
