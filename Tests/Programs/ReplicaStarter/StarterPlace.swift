import DeployerTargets
import Loop

/// The places that a replica can be started in from outside the tests, by their words.
enum StarterPlace {
    static func target(
        _ words: [String], suite: String, _ pool: ComputePool, _ loops: LoopGroup
    ) async throws -> any ReplicaTarget {
        switch (words.first, words.count) {
        // process FOLDER LAUNCHER
        case ("process", 3):
            return try await ProcessTarget.open(
                ProcessSettings(folder: words[1], launcher: words[2]), suite: suite, pool: pool, loop: loops.next())
        // docker ADDRESS [NETWORK]
        case ("docker", 2...):
            return try DockerTarget(
                DockerSettings(
                    address: EngineAddress(words[1]), network: words.count > 2 ? words[2] : "", suite: suite),
                loops: loops, resolver: pool)
        default: throw ReplicaStarter.Failure(description: "no place is called \(words.joined(separator: " "))")
        }
    }
}
