package import Contracts
package import DeployerTargets
package import Postgres
package import Secrets
internal import Loop

/// What a place is made of: the row, and the key that is kept apart from it.
package struct PlaceOrder: Sendable {
    /// The target's number; 0 while it is only tried.
    package var id: Int64
    package var name: String
    package var place: Slipway.Targets.V1.TargetPlace

    package init(id: Int64, name: String, place: Slipway.Targets.V1.TargetPlace) {
        self.id = id
        self.name = name
        self.place = place
    }
}

/// Makes places of one kind. Making one does nothing outside: whether it answers, `check` finds out.
package typealias PlaceFactory = @Sendable (PlaceOrder) async throws -> any ReplicaTarget

/// The places that the targets of the database stand for, each made once in this process. Any number of tasks may ask.
package final class Places: Sendable {
    private let pool: PostgresPool
    private let box: SecretBox
    private let factories: [String: PlaceFactory]
    private let made = Lock<[Int64: any ReplicaTarget]>([:])

    /// - Parameter factories: by kind: `process`, `docker`.
    package init(_ pool: PostgresPool, box: SecretBox, factories: [String: PlaceFactory]) {
        self.pool = pool
        self.box = box
        self.factories = factories
    }

    package var kinds: [String] { factories.keys.sorted() }

    /// The place of a target, whether it is attached still or not.
    /// - Throws: `TargetError` `.refused` where this deployer can't make one; `PostgresError`, `SecretError`.
    package func target(_ id: Int64) async throws -> any ReplicaTarget {
        if let known = made.withLock({ $0[id] }) { return known }
        let rows = try await pool.read(
            "SELECT \(TargetRecord.columns) FROM deployments.targets AS t WHERE t.id = \(id)"
        ).all(TargetRecord.self)
        guard let record = rows.first else { throw TargetError(.refused, "there is no target with the number \(id)") }
        var place = record.target.place ?? .init()
        if let sealed = record.sealedKey, case .docker(var docker) = place.kind {
            let key = try box.open(sealed, for: Places.purpose(id))
            docker.keyPem = String(decoding: key, as: UTF8.self)
            place.kind = .docker(docker)
        }
        let target = try await make(PlaceOrder(id: id, name: record.name, place: place))
        // Of two that made it at the same moment one counts: places may hold what they run.
        return made.withLock { made in
            if let known = made[id] { return known }
            made[id] = target
            return target
        }
    }

    /// A place that is not kept, to look whether it would do.
    func make(_ order: PlaceOrder) async throws -> any ReplicaTarget {
        let kind = order.place.kindName
        guard let factory = factories[kind] else {
            let known = kinds.isEmpty ? "nothing" : kinds.joined(separator: ", ")
            throw TargetError(.refused, "this deployer knows no places of the kind \"\(kind)\", but \(known)")
        }
        return try await factory(order)
    }

    func forget(_ id: Int64) { made.withLock { $0[id] = nil } }

    /// What a target's key is sealed for.
    static func purpose(_ id: Int64) -> String { "the key of target \(id)" }
}

extension Slipway.Targets.V1.TargetPlace {
    /// `process`, `docker`; empty where none is given.
    var kindName: String {
        switch kind {
        case .process: "process"
        case .docker: "docker"
        case nil: ""
        }
    }
}
