import DeployerTargets
import Testing

/// The engine that all cases share.
struct DockerConformancePlace: ConformancePlace {
    let engine: PrivateEngine

    func target(suite: String) async throws -> any ReplicaTarget {
        try TestLoops.docker(engine.address, suite: suite)
    }

    var limitsMemory: Bool {
        get async throws {
            try await !target(suite: "nobody").check().remarks.contains { $0.contains("limits of memory") }
        }
    }

    var starterWords: [String] { ["docker", engine.address] }
}

@Suite("Docker as a target", .serialized, .enabled(if: PrivateEngine.isPossible, "needs root and dockerd"))
struct DockerConformanceTests {
    @Test("keeps what targets promise", arguments: ConformanceCase.all)
    func conformance(_ one: ConformanceCase) async throws {
        try await one.run(DockerConformancePlace(engine: PrivateEngine.shared.get()))
    }
}
