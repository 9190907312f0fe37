import Contracts
import DeployerCore
import DeployerTargets
import Loop

/// How the places of each kind are made here.
struct DeployerPlaces: Sendable {
    /// Where processes have their folders.
    let folder: String
    /// Names the installation, so that places can serve several.
    let suite: String
    /// The program that starts replicas; empty, the one beside this program.
    let launcher: String
    let pool: ComputePool
    let loops: LoopGroup

    var factories: [String: PlaceFactory] { ["process": process, "docker": docker] }

    @Sendable private func process(_ order: PlaceOrder) async throws -> any ReplicaTarget {
        guard case .process(let place) = order.place.kind else { throw DeployerPlaces.mistaken(order) }
        let limit = place.limit ?? .init()
        let total = ReplicaNeeds(
            cpuMillis: limit.cpuMillis, memoryBytes: limit.memoryBytes, gpus: Int(limit.gpus))
        // A folder each: a place says of everything in its folder that it is its own.
        let settings = ProcessSettings(folder: "\(folder)/\(order.id)", launcher: launcher, total: total)
        return try await ProcessTarget.open(settings, suite: suite, pool: pool, loop: loops.next())
    }

    @Sendable private func docker(_ order: PlaceOrder) async throws -> any ReplicaTarget {
        guard case .docker(let place) = order.place.kind else { throw DeployerPlaces.mistaken(order) }
        let certificates = EngineCertificates(
            authorities: place.authoritiesPem, certificate: place.certificatePem, key: place.keyPem)
        let settings = DockerSettings(
            address: try EngineAddress(place.address), certificates: certificates, network: place.network,
            suite: suite)
        return try DockerTarget(settings, loops: loops, resolver: pool)
    }

    private static func mistaken(_ order: PlaceOrder) -> TargetError {
        TargetError(.refused, "the target \(order.name) is of another kind than it says")
    }
}
