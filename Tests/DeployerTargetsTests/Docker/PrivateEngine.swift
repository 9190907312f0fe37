import CLinux
import DeployerTargets
import Glibc
import Loop
import Testing

/// A dockerd of the tests' own: its folders, its socket and its bridge are nobody else's.
///
/// The bridge is made beforehand, because two engines that use the usual one give out the same addresses. Rules of the
/// firewall are left alone: published ports of 127.0.0.1 go through Docker's own proxy, and containers are reached at
/// their addresses anyway.
final class PrivateEngine: @unchecked Sendable {
    let folder: TemporaryFolder
    let bridge: String
    private let options: [String]
    private let process = Lock<pid_t?>(nil)

    var socket: String { "\(folder.path)/d.sock" }
    var address: String { "unix://\(socket)" }

    /// Whether this machine lets one run.
    static let isPossible = geteuid() == 0 && access("/usr/sbin/dockerd", X_OK) == 0

    struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    /// - Parameter options: more of dockerd's own: `--live-restore`.
    init(_ options: [String] = []) throws {
        self.options = options
        folder = try TemporaryFolder()
        bridge = "sw\(String(UInt32.random(in: .min ... .max), radix: 16))"
        let (second, third) = (UInt8.random(in: 128..<250), UInt8.random(in: 0...255))
        let commands = [
            "ip link add \(bridge) type bridge", "ip address add 10.\(second).\(third).1/24 dev \(bridge)",
            "ip link set \(bridge) up",
        ]
        for command in commands {
            guard system(command) == 0 else { throw Failure(description: "cannot: \(command)") }
        }
        try start()
    }

    /// Starts the daemon; returns when it answers.
    func start() throws {
        let words =
            [
                "/usr/sbin/dockerd", "--data-root", "\(folder.path)/data", "--exec-root", "\(folder.path)/exec", "-H",
                address, "-p", "\(folder.path)/pid", "--bridge", bridge, "--iptables=false", "--ip6tables=false",
                "--shutdown-timeout=1",
            ] + options
        unlink("\(folder.path)/pid")
        // Its containerd died with it. Where nobody has taken notice of that yet, dockerd would take it for alive, and wait.
        unlink("\(folder.path)/exec/containerd/containerd.pid")
        process.withLock { $0 = try? spawn(words, log: "\(folder.path)/log") }
        guard pid != nil else { throw Failure(description: "cannot start dockerd") }
        guard
            system(
                "curl -sf --retry 600 --retry-all-errors --retry-delay 0 --retry-max-time 60 -o /dev/null "
                    + "--unix-socket \(socket) http://engine/_ping") == 0
        else { throw Failure(description: "dockerd does not answer; its log is \(folder.path)/log") }
    }

    var pid: pid_t? { process.withLock { $0 } }

    func signal(_ signal: Int32) { if let pid { kill(pid, signal) } }

    /// Ends the daemon and waits for that.
    func end(with signal: Int32) {
        guard
            let pid = process.withLock({ process in
                defer { process = nil }; return process
            })
        else { return }
        kill(pid, SIGCONT)
        kill(pid, signal)
        var status: Int32 = 0
        while waitpid(pid, &status, 0) < 0, errno == EINTR {}
    }

    /// Ends it and takes away what it left: with live-restore its containers would go on.
    func close() {
        let docker = "/usr/bin/docker -H \(address)"
        _ = system("timeout 60 sh -c '\(docker) ps -aq | xargs -r \(docker) rm -fv' >/dev/null 2>&1")
        end(with: SIGTERM)
        // A daemon that was killed left its mounts.
        _ = system(
            "awk '{ print $2 }' /proc/mounts | grep '^\(folder.path)/' | sort -r | xargs -r umount -l 2>/dev/null")
        _ = system("ip link delete \(bridge) 2>/dev/null; rm -rf '\(folder.path)'")
    }

    private func spawn(_ words: [String], log: String) throws -> pid_t {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, log, O_WRONLY | O_CREAT | O_APPEND, 0o600)
        posix_spawn_file_actions_adddup2(&actions, STDOUT_FILENO, STDERR_FILENO)
        // Signals that end the tests end it in good order too, and those of its own are not lost.
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var none = sigset_t()
        sigemptyset(&none)
        posix_spawnattr_setsigmask(&attributes, &none)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK))
        var pointers: [UnsafeMutablePointer<CChar>?] = words.map { strdup($0) } + [nil]
        defer { for pointer in pointers { free(pointer) } }
        var child = pid_t()
        let code = posix_spawn(&child, words[0], &actions, &attributes, &pointers, slipway_environment())
        guard code == 0 else { throw Failure(description: String(cString: strerror(code))) }
        return child
    }
}

extension PrivateEngine {
    /// One for all tests of the process, as long as that lives.
    static let shared: Result<PrivateEngine, any Error> = Result {
        let engine = try PrivateEngine()
        atexit { try? PrivateEngine.shared.get().close() }
        return engine
    }
}

/// What targets of tests run on.
enum TestLoops {
    static let loops: Result<LoopGroup, any Error> = Result {
        let loops = try LoopGroup(count: 1)
        try loops.start()
        return loops
    }
    static let pool: Result<ComputePool, any Error> = Result {
        let pool = ComputePool(threads: 2)
        try pool.start()
        return pool
    }

    static func docker(
        _ address: String, network: String = "", suite: String, patience: Duration = .seconds(60)
    ) throws -> DockerTarget {
        var settings = DockerSettings(address: try EngineAddress(address), network: network, suite: suite)
        settings.patience = patience
        return try DockerTarget(settings, loops: loops.get(), resolver: pool.get())
    }
}
