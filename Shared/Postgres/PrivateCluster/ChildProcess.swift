import CLinux
import Glibc

/// Runs another program to its end.
enum ChildProcess {
    struct Outcome {
        let status: Int32
        /// What it wrote, to both of its outputs.
        let output: String
        var isSuccess: Bool { status == 0 }
    }

    /// Blocks. The program gets an empty input, and a session of its own, so that an interrupt typed at a terminal does not
    /// reach it.
    /// - Throws: `PrivateClusterError` where it can't be started.
    static func run(_ program: String, _ arguments: [String]) throws -> Outcome {
        var ends: [Int32] = [0, 0]
        guard pipe2(&ends, O_CLOEXEC) == 0 else { throw PrivateClusterError.system("pipe", errno) }
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_adddup2(&actions, ends[1], 1)
        posix_spawn_file_actions_adddup2(&actions, ends[1], 2)
        // The folder that we stand in may be closed to the user that it will run as.
        posix_spawn_file_actions_addchdir_np(&actions, "/")
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK) | SLIPWAY_SPAWN_SETSID)
        var noSignals = sigset_t()
        sigemptyset(&noSignals)
        posix_spawnattr_setsigmask(&attributes, &noSignals)

        var words = ([program] + arguments).map { strdup($0) } + [nil]
        defer { for word in words { free(word) } }
        var process = pid_t()
        let status = posix_spawnp(&process, program, &actions, &attributes, &words, environ)
        close(ends[1])
        guard status == 0 else {
            close(ends[0])
            throw PrivateClusterError.system("cannot run \(program)", status)
        }
        let output = readAll(ends[0])
        close(ends[0])
        var result: Int32 = 0
        while waitpid(process, &result, 0) < 0, errno == EINTR {}
        let isExited = result & 0x7F == 0
        return Outcome(status: isExited ? (result >> 8) & 0xFF : 128 + (result & 0x7F), output: output)
    }

    private static func readAll(_ descriptor: Int32) -> String {
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 4096)
        while true {
            let count = read(descriptor, &buffer, buffer.count)
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { break }
            // More than anybody reads in a message.
            if bytes.count < 1 << 20 { bytes.append(contentsOf: buffer[..<count]) }
        }
        return PostgresConnectionString.trimmed(String(decoding: bytes, as: UTF8.self))
    }
}
