import DeployerTargets
import Loop

/// The places that a replica can be started in from outside the tests, by their words.
enum StarterPlace {
    static func target(
        _ words: [String], suite: String, _ pool: ComputePool, _ loops: LoopGroup
    ) async throws -> any ReplicaTarget {
        switch (words.first, words.dropFirst().first) {
        case ("docker", let address?):
            let network = words.count > 2 ? words[2] : ""
            return try DockerTarget(
                DockerSettings(address: EngineAddress(address), network: network, suite: suite), loops: loops,
                resolver: pool)
        default: throw ReplicaStarter.Failure(description: "no place is called \(words.joined(separator: " "))")
        }
    }
}
