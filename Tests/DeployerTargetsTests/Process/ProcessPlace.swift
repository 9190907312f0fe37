import DeployerTargets
import Glibc
import Loop
import Testing

/// A folder of this machine in which replicas are processes.
final class ProcessPlace: ConformancePlace {
    let folder: TemporaryFolder
    let pool = ComputePool(threads: 4)
    let loops: LoopGroup

    init() throws {
        folder = try TemporaryFolder()
        loops = try LoopGroup(count: 1)
        try pool.start()
        try loops.start()
    }

    deinit {
        pool.stop()
        loops.stop()
    }

    static let launcher = Result { try Programs.path(of: "replica-launcher") }

    func settings() throws -> ProcessSettings {
        ProcessSettings(folder: "\(folder.path)/place", launcher: try Self.launcher.get())
    }

    func open(suite: String, _ change: (inout ProcessSettings) -> Void) async throws -> ProcessTarget {
        var settings = try settings()
        change(&settings)
        return try await ProcessTarget.open(settings, suite: suite, pool: pool, loop: loops.next())
    }

    func open(suite: String) async throws -> ProcessTarget {
        try await ProcessTarget.open(settings(), suite: suite, pool: pool, loop: loops.next())
    }

    func target(suite: String) async throws -> any ReplicaTarget { try await open(suite: suite) }

    var limitsMemory: Bool {
        get async throws {
            try await open(suite: "look").check().remarks.allSatisfy { !$0.contains("limits of memory") }
        }
    }

    var starterWords: [String] { ["process", "\(folder.path)/place", (try? Self.launcher.get()) ?? ""] }
}
