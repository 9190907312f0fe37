import CLinux
import DeployerTargets
import Glibc
import Testing

/// A deployer of its own process, of which only the starting of one replica is left.
final class ReplicaStarterProcess {
    private let process: pid_t
    private var isOver = false

    /// Returns when the replica was started.
    /// - Parameters:
    ///   - under: a program that runs it, with words of its own.
    ///   - waits: false where it is to be killed while it starts the replica.
    init(
        _ bench: ConformanceBench, _ order: ReplicaOrder, under: [String] = [], words place: [String]? = nil,
        waits: Bool = true
    ) throws {
        let starter = try Programs.path(of: "ReplicaStarter")
        let program = under.first ?? starter
        var ends: [Int32] = [0, 0]
        try #require(pipe2(&ends, O_CLOEXEC) == 0)
        defer { close(ends[0]) }
        let words =
            under + [starter, bench.images.storePath, order.image.digest, order.id, bench.suite, order.accessKey]
            + (place ?? bench.place.starterWords)
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO)
        var pointers: [UnsafeMutablePointer<CChar>?] = words.map { strdup($0) } + [nil]
        defer { for pointer in pointers { free(pointer) } }
        var child = pid_t()
        let code = posix_spawn(&child, program, &actions, nil, &pointers, slipway_environment())
        close(ends[1])
        try #require(code == 0, "cannot start \(program)")
        process = child
        guard waits else { return }
        var said = [UInt8](repeating: 0, count: 4096)
        let count = read(ends[0], &said, said.count)
        let text = String(decoding: said.prefix(max(0, count)), as: UTF8.self)
        try #require(text == "started\n", "the starter said: \(text)")
    }

    deinit { end(with: SIGKILL) }

    func end(with signal: Int32) {
        guard !isOver else { return }
        isOver = true
        kill(process, signal)
        var status: Int32 = 0
        while waitpid(process, &status, 0) < 0, errno == EINTR {}
    }
}

/// Programs that the build put beside the tests' own.
enum Programs {
    static func path(of name: String) throws -> String {
        var folders: [String] = []
        for argument in CommandLine.arguments where argument.hasSuffix(".xctest") || argument.contains("PackageTests") {
            folders.append("/" + argument.split(separator: "/").dropLast().joined(separator: "/"))
        }
        var buffer = [CChar](repeating: 0, count: 4096)
        let count = readlink("/proc/self/exe", &buffer, buffer.count)
        let own = String(decoding: buffer.prefix(max(0, count)).map { UInt8(bitPattern: $0) }, as: UTF8.self)
        folders.append("/" + own.split(separator: "/").dropLast().joined(separator: "/"))
        let found: String? = folders.map { "\($0)/\(name)" }.first { (path: String) -> Bool in access(path, X_OK) == 0 }
        return try #require(found, "\(name) is not beside the tests")
    }
}
