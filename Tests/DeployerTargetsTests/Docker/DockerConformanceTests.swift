import DeployerTargets
import Glibc
import Testing

/// An engine that cases run in.
struct DockerConformancePlace: ConformancePlace {
    let address: String
    var network = ""
    var patience = Duration.seconds(60)

    func target(suite: String) async throws -> any ReplicaTarget {
        try TestLoops.docker(address, network: network, suite: suite, patience: patience)
    }

    var limitsMemory: Bool {
        get async throws {
            try await !target(suite: "nobody").check().remarks.contains { $0.contains("limits of memory") }
        }
    }

    var starterWords: [String] { ["docker", address] + (network.isEmpty ? [] : [network]) }
}

@Suite("Docker as a target", .serialized, .enabled(if: PrivateEngine.isPossible, "needs root and dockerd"))
struct DockerConformanceTests {
    @Test("keeps what targets promise", arguments: ConformanceCase.all)
    func conformance(_ one: ConformanceCase) async throws {
        try await one.run(DockerConformancePlace(address: PrivateEngine.shared.get().address))
    }
}

/// Any engine that whoever runs the tests names: `SLIPWAY_TEST_ENGINE=unix:///run/podman/podman.sock`, and a network of it
/// in `SLIPWAY_TEST_NETWORK` where replicas are to be reached at their own addresses.
@Suite(
    "Another engine as a target", .serialized,
    .enabled(if: getenv("SLIPWAY_TEST_ENGINE") != nil, "SLIPWAY_TEST_ENGINE names none"))
struct OtherEngineConformanceTests {
    @Test("keeps what targets promise", arguments: ConformanceCase.all)
    func conformance(_ one: ConformanceCase) async throws {
        let address = try #require(getenv("SLIPWAY_TEST_ENGINE").map { String(cString: $0) })
        let network = getenv("SLIPWAY_TEST_NETWORK").map { String(cString: $0) } ?? ""
        try await one.run(DockerConformancePlace(address: address, network: network))
    }
}
