internal import CLinux
internal import Glibc

/// The program that starts replicas: namespaces can't be entered by a process of many threads, and somebody has to stay
/// with the replica when this process is gone.
struct Launcher {
    let program: String

    /// Nothing takes so long that is not stuck.
    private static let patience: Int32 = 60_000

    init(_ setting: String) { program = setting.isEmpty ? Self.beside : setting }

    /// In the folder of this program.
    private static let beside: String = {
        var buffer = [CChar](repeating: 0, count: 4096)
        let count = readlink("/proc/self/exe", &buffer, buffer.count)
        let own = String(decoding: buffer.prefix(max(0, count)).map { UInt8(bitPattern: $0) }, as: UTF8.self)
        return "/" + (own.split(separator: "/").dropLast() + ["replica-launcher"]).joined(separator: "/")
    }()

    /// Hands an order over and waits for what came of it: what follows `ok`. Blocks.
    /// - Parameter lock: held by the replica's supervisor until it is to be seen, so that nobody starts a second one
    ///   though this process be killed.
    /// - Throws: `TargetError`.
    @discardableResult
    func run(_ order: LauncherOrder, lock: OpenFile?) throws(TargetError) -> String {
        do {
            let memory = slipway_memory_file("replica")
            guard memory >= 0 else { throw SystemFault("open", "a file in memory") }
            let told = OpenFile(memory)
            try told.write(order.bytes[...], path: "the order")
            lseek(memory, 0, SEEK_SET)
            var ends: [Int32] = [-1, -1]
            guard pipe2(&ends, O_CLOEXEC) == 0 else { throw SystemFault("open", "a pipe") }
            let reading = OpenFile(ends[0])
            var writing: OpenFile? = OpenFile(ends[1])
            let process = try spawn(input: told, report: writing, lock: lock)
            writing = nil
            let said = Self.readAll(reading)
            // It leaves as soon as the replica has its supervisor, whose parent it is not any more then.
            var status: Int32 = 0
            while waitpid(process, &status, 0) < 0, errno == EINTR {}
            return try Self.outcome(said)
        } catch let error as SystemFault {
            throw error.asTargetError
        } catch let error as TargetError {
            throw error
        } catch { throw TargetError(.failed, "\(error)") }
    }

    private func spawn(input: OpenFile, report: OpenFile?, lock: OpenFile?) throws(SystemFault) -> pid_t {
        // Out of the way of the numbers that the launcher wants.
        let order = try OpenFile(duplicating: input, from: 10)
        let said = try OpenFile(duplicating: report ?? input, from: 10)
        let held = try OpenFile(duplicating: lock ?? input, from: 10)
        defer { withExtendedLifetime((order, said, held)) {} }
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_adddup2(&actions, order.descriptor, STDIN_FILENO)
        posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0)
        posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0)
        posix_spawn_file_actions_adddup2(&actions, said.descriptor, 3)
        posix_spawn_file_actions_adddup2(&actions, held.descriptor, 4)
        posix_spawn_file_actions_addchdir_np(&actions, "/")
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var signals = sigset_t()
        sigemptyset(&signals)
        posix_spawnattr_setsigmask(&attributes, &signals)
        sigfillset(&signals)
        posix_spawnattr_setsigdefault(&attributes, &signals)
        // A session of its own: what ends a terminal's processes does not end replicas.
        let flags = Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF) | SLIPWAY_SPAWN_SETSID
        posix_spawnattr_setflags(&attributes, flags)
        var words: [UnsafeMutablePointer<CChar>?] = [strdup("replica-launcher"), nil]
        var variables: [UnsafeMutablePointer<CChar>?] = [nil]
        defer { for word in words { free(word) } }
        var process: pid_t = 0
        let code = posix_spawn(&process, program, &actions, &attributes, &words, &variables)
        guard code == 0 else { throw SystemFault("start", program, number: code) }
        return process
    }

    private static func readAll(_ file: OpenFile) -> String {
        var bytes: [UInt8] = []
        var piece = [UInt8](repeating: 0, count: 1024)
        while true {
            var polled = pollfd(fd: file.descriptor, events: Int16(POLLIN), revents: 0)
            let ready = poll(&polled, 1, patience)
            if ready < 0, errno == EINTR { continue }
            guard ready > 0 else { break }
            let count = read(file.descriptor, &piece, piece.count)
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { break }
            bytes += piece[..<count]
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// `ok …`, or `error WHOSE WHAT`.
    private static func outcome(_ said: String) throws(TargetError) -> String {
        let line = said.split(separator: "\n").first.map(String.init) ?? ""
        let words = line.split(separator: " ", maxSplits: 2)
        if words.first == "ok" { return words.dropFirst().joined(separator: " ") }
        guard words.first == "error", words.count == 3 else {
            throw TargetError(.failed, "the launcher ended without a word of what came of the replica: \(line)")
        }
        switch words[1] {
        case "program": throw TargetError(.unusableImage, String(words[2]))
        case "program:": throw TargetError(.unusableImage, String(words[2]))
        case "namespaces":
            throw TargetError(
                .refused,
                "replicas can't be kept apart here: \(words[2]). Run the deployer as root, or permit namespaces of users "
                    + "(kernel.unprivileged_userns_clone, user.max_user_namespaces)")
        default: throw TargetError(.failed, "the replica could not be started: \(words[2])")
        }
    }
}
