internal import CLinux
internal import Glibc
internal import Loop

/// A program of this machine that is run to its end, its words handed on line by line. It has a process group of its own;
/// when a run returns or throws, nothing of the group is left.
struct Subprocess: Sendable {
    enum Ending: Hashable, Sendable {
        case exited(Int32)
        case killed(Int32)
        case ranOut
    }

    var program: String
    var arguments: [String]
    /// All of them: nothing is handed on of this process's.
    var environment: [String: String] = [:]
    var folder = "/"
    /// A file for its standard input; nothing means that it is empty.
    var input: String?
    var limit: Duration

    /// Lines that are longer are cut.
    static let lineBytesMax = 2000
    /// Lines that nobody took yet; more are dropped, the program never waits.
    static let waitingMax = 4096

    /// - Parameters:
    ///   - pool: one of its threads waits meanwhile.
    ///   - onLine: called with each line of output and errors, in order.
    /// - Throws: `CancellationError` when the task was cancelled, and `BuildFailure` where the program can't be started.
    func run(on pool: ComputePool, onLine: @Sendable (String) async throws -> Void) async throws -> Ending {
        let stop = try StopSignal()
        let (lines, continuation) = AsyncStream.makeStream(
            of: String.self, bufferingPolicy: .bufferingNewest(Self.waitingMax))
        async let ending = withTaskCancellationHandler {
            defer { continuation.finish() }
            return try await pool.run { try block(stop) { continuation.yield($0) } }
        } onCancel: {
            stop.send()
        }
        // Where this throws, the task of `ending` is cancelled, and waited for.
        for await line in lines { try await onLine(line) }
        let result = try await ending
        try Task.checkCancellation()
        return result
    }

    private func block(_ stop: StopSignal, _ hand: (String) -> Void) throws -> Ending {
        var pipe: [Int32] = [-1, -1]
        guard pipe2(&pipe, Int32(O_CLOEXEC)) == 0 else { throw Self.failure(program, errno) }
        defer { close(pipe[0]) }
        let process: pid_t
        do {
            defer { close(pipe[1]) }
            process = try spawn(output: pipe[1])
        }
        _ = fcntl(pipe[0], F_SETFL, O_NONBLOCK)
        let isInTime = follow(process, pipe[0], stop, hand)
        // What it started and left behind goes with it.
        kill(-process, SIGKILL)
        var status: Int32 = 0
        while waitpid(process, &status, 0) == -1, errno == EINTR {}
        guard isInTime else { return .ranOut }
        let signal = status & 0x7f
        return signal == 0 ? .exited(status >> 8 & 0xff) : .killed(signal)
    }

    /// Reads until the process ends. False where its time ran out.
    private func follow(_ process: pid_t, _ output: Int32, _ stop: StopSignal, _ hand: (String) -> Void) -> Bool {
        let deadline = ContinuousClock.now + limit
        let ended = slipway_process_descriptor(process)
        defer { if ended >= 0 { close(ended) } }
        var reader = LineReader()
        defer { reader.finish(hand) }
        var isOpen = true
        while true {
            let left = ContinuousClock.now.duration(to: deadline)
            guard left > .zero else { return false }
            var polled = [
                pollfd(fd: ended, events: Int16(POLLIN), revents: 0),
                pollfd(fd: isOpen ? output : -1, events: Int16(POLLIN), revents: 0),
                pollfd(fd: stop.descriptor, events: Int16(POLLIN), revents: 0),
            ]
            let milliseconds = min(left.components.seconds * 1000 + 1, ended >= 0 ? 60_000 : 50)
            poll(&polled, 3, Int32(milliseconds))
            if polled[2].revents != 0 { return true }
            let hasEnded = ended >= 0 ? polled[0].revents != 0 : Self.hasEnded(process)
            isOpen = reader.read(output, hand) && isOpen
            if hasEnded { return true }
        }
    }

    /// Looks without taking the status away from `waitpid`.
    private static func hasEnded(_ process: pid_t) -> Bool {
        var information = siginfo_t()
        return waitid(P_PID, id_t(process), &information, WEXITED | WNOHANG | WNOWAIT) == 0 && information.si_signo != 0
    }

    private func spawn(output: Int32) throws -> pid_t {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, input ?? "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO)
        posix_spawn_file_actions_adddup2(&actions, output, STDERR_FILENO)
        posix_spawn_file_actions_addchdir_np(&actions, folder)
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        // A server blocks and ignores signals that its child should meet as any program does.
        var signals = sigset_t()
        sigemptyset(&signals)
        posix_spawnattr_setsigmask(&attributes, &signals)
        sigfillset(&signals)
        posix_spawnattr_setsigdefault(&attributes, &signals)
        posix_spawnattr_setpgroup(&attributes, 0)
        posix_spawnattr_setflags(
            &attributes, Int16(POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF))
        var words: [UnsafeMutablePointer<CChar>?] = ([program] + arguments).map { strdup($0) } + [nil]
        var variables: [UnsafeMutablePointer<CChar>?] =
            environment.sorted { $0.key < $1.key }.map { strdup("\($0.key)=\($0.value)") } + [nil]
        defer { for word in words + variables { free(word) } }
        var process: pid_t = 0
        let code = posix_spawn(&process, program, &actions, &attributes, &words, &variables)
        guard code == 0 else { throw Self.failure(program, code) }
        return process
    }

    private static func failure(_ program: String, _ code: Int32) -> BuildFailure {
        BuildFailure("builder.program", "\(program) can't be started: \(String(cString: strerror(code)))")
    }
}

/// Wakes whoever polls it, once.
private final class StopSignal: Sendable {
    let descriptor: Int32

    init() throws {
        descriptor = slipway_eventfd()
        guard descriptor >= 0 else {
            throw BuildFailure("builder.resources", "no descriptor: \(String(cString: strerror(errno)))")
        }
    }

    deinit { close(descriptor) }

    func send() {
        var one: UInt64 = 1
        _ = write(descriptor, &one, 8)
    }
}

/// Cuts what comes into lines.
private struct LineReader {
    private var line: [UInt8] = []

    /// False at the end.
    mutating func read(_ descriptor: Int32, _ hand: (String) -> Void) -> Bool {
        var buffer = [UInt8](repeating: 0, count: 16 << 10)
        while true {
            let count = Glibc.read(descriptor, &buffer, buffer.count)
            guard count > 0 else { return count < 0 && (errno == EAGAIN || errno == EINTR) }
            for byte in buffer[..<count] {
                if byte == 0x0a || byte == 0x0d {
                    finish(hand)
                } else if line.count < Subprocess.lineBytesMax {
                    line.append(byte)
                }
            }
        }
    }

    mutating func finish(_ hand: (String) -> Void) {
        if !line.isEmpty { hand(String(decoding: line, as: UTF8.self)) }
        line = []
    }
}
