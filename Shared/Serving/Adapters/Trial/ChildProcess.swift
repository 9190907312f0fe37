import CLinux
import Glibc

/// A process that is given something, gives something back, and has a time for it. Blocks its caller meanwhile.
package struct ChildProcess {
    package enum Ending: Equatable, Sendable {
        case exited(Int32)
        case crashed(Int32)
        case ranOut
    }

    package var output: [UInt8] = []
    /// The end of what it wrote to its standard error.
    package var lastWords: [UInt8] = []
    package var ending = Ending.ranOut

    static let lastWordsMax = 4096

    /// Runs a program in a process group of its own; when this returns nothing of the group is left.
    ///
    /// - Throws: `faulty` where it cannot be started.
    package static func run(
        _ program: String, _ arguments: [String], input: [UInt8], atMost limit: Duration, outputBytesMax: Int = 64 << 20
    ) throws(ServingError) -> ChildProcess {
        var ends = try Ends()
        defer { ends.close() }
        let process = try spawn(program, [program] + arguments, ends)
        ends.closeTheirs()
        var child = ChildProcess()
        child.converse(process, ends, input[...], until: now + limit.wholeNanoseconds, outputBytesMax)
        // What it started and left behind goes with it.
        kill(-process, SIGKILL)
        var status: Int32 = 0
        while waitpid(process, &status, 0) == -1, errno == EINTR {}
        if child.ending != .ranOut {
            let signal = status & 0x7f
            child.ending = signal == 0 ? .exited(status >> 8 & 0xff) : .crashed(signal)
        }
        return child
    }

    /// The ends of the three connections, ours and theirs.
    private struct Ends {
        var input: [Int32] = [-1, -1]
        var output: [Int32] = [-1, -1]
        var errors: [Int32] = [-1, -1]

        init() throws(ServingError) {
            // A socket for the input: writing to it after the process has ended raises no signal.
            guard socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(O_CLOEXEC), 0, &input) == 0,
                pipe2(&output, Int32(O_CLOEXEC)) == 0, pipe2(&errors, Int32(O_CLOEXEC)) == 0
            else {
                let reason = String(cString: strerror(errno))
                close()
                throw ServingError(.faulty, "no process can be started: \(reason)")
            }
            for end in [input[0], output[0], errors[0]] { _ = fcntl(end, F_SETFL, O_NONBLOCK) }
        }

        mutating func closeTheirs() {
            for end in [input[1], output[1], errors[1]] { Glibc.close(end) }
            (input[1], output[1], errors[1]) = (-1, -1, -1)
        }

        mutating func close() {
            for end in input + output + errors where end >= 0 { Glibc.close(end) }
        }
    }

    private static var now: Int64 {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
    }

    private static func spawn(_ program: String, _ arguments: [String], _ ends: Ends) throws(ServingError) -> pid_t {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_adddup2(&actions, ends.input[1], STDIN_FILENO)
        posix_spawn_file_actions_adddup2(&actions, ends.output[1], STDOUT_FILENO)
        posix_spawn_file_actions_adddup2(&actions, ends.errors[1], STDERR_FILENO)
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
        var words: [UnsafeMutablePointer<CChar>?] = arguments.map { strdup($0) } + [nil]
        defer { for word in words { free(word) } }
        var process: pid_t = 0
        var variables = environment()
        defer { for variable in variables { free(variable) } }
        let code = posix_spawn(&process, program, &actions, &attributes, &words, &variables)
        guard code == 0 else {
            throw ServingError(.faulty, "\(program) cannot be started: \(String(cString: strerror(code)))")
        }
        return process
    }

    /// This process's, without Swift's own report of a crash: it takes a second, and hides what was said last.
    private static func environment() -> [UnsafeMutablePointer<CChar>?] {
        var variables: [UnsafeMutablePointer<CChar>?] = [strdup("SWIFT_BACKTRACE=enable=no")]
        var next = slipway_environment()
        while let variable = next?.pointee {
            if strncmp(variable, "SWIFT_BACKTRACE=", 16) != 0 { variables.append(strdup(variable)) }
            next = next?.successor()
        }
        return variables + [nil]
    }

    /// Writes, reads and waits until the process has ended, or its time.
    private mutating func converse(
        _ process: pid_t, _ ends: Ends, _ input: ArraySlice<UInt8>, until deadline: Int64, _ outputBytesMax: Int
    ) {
        var input = input
        var (output, errors) = (ends.output[0], ends.errors[0])
        let ended = slipway_process_descriptor(process)
        defer { if ended >= 0 { close(ended) } }
        if input.isEmpty { shutdown(ends.input[0], Int32(SHUT_WR)) }
        while true {
            let left = deadline - ChildProcess.now
            guard left > 0 else { return }
            // Descriptors below zero are passed over. Without one for the process's end it is asked for now and then.
            var polled = [
                pollfd(fd: ended, events: Int16(POLLIN), revents: 0),
                pollfd(fd: output, events: Int16(POLLIN), revents: 0),
                pollfd(fd: errors, events: Int16(POLLIN), revents: 0),
                pollfd(fd: input.isEmpty ? -1 : ends.input[0], events: Int16(POLLOUT), revents: 0),
            ]
            let milliseconds = min(left / 1_000_000 + 1, ended >= 0 ? 60_000 : 20)
            poll(&polled, 4, Int32(milliseconds))
            let hasEnded = ended >= 0 ? polled[0].revents != 0 : ChildProcess.hasEnded(process)
            // One that the process has closed is not asked again: it only has to end, or to run out of time.
            if !drain(output, into: \.output, keeping: outputBytesMax) { output = -1 }
            if !drain(errors, into: \.lastWords, keeping: ChildProcess.lastWordsMax) { errors = -1 }
            if hasEnded {
                ending = .exited(0)
                return
            }
            if polled[3].revents != 0, !ChildProcess.send(&input, to: ends.input[0]) { input = [] }
            if input.isEmpty { shutdown(ends.input[0], Int32(SHUT_WR)) }
        }
    }

    /// Looks without taking the status away from `waitpid`.
    private static func hasEnded(_ process: pid_t) -> Bool {
        var information = siginfo_t()
        return waitid(P_PID, id_t(process), &information, WEXITED | WNOHANG | WNOWAIT) == 0 && information.si_signo != 0
    }

    private static func send(_ input: inout ArraySlice<UInt8>, to end: Int32) -> Bool {
        let count = input.withUnsafeBytes { slipway_send(end, $0.baseAddress, $0.count) }
        if count > 0 { input = input.dropFirst(count) }
        return count > 0 || errno == EAGAIN || errno == EINTR
    }

    private mutating func drain(_ end: Int32, into bytes: WritableKeyPath<ChildProcess, [UInt8]>, keeping limit: Int)
        -> Bool
    {
        guard end >= 0 else { return false }
        return withUnsafeTemporaryAllocation(byteCount: 65_536, alignment: 16) { buffer in
            while true {
                let count = read(end, buffer.baseAddress, buffer.count)
                guard count > 0 else { return count < 0 && errno != EBADF }
                self[keyPath: bytes].append(contentsOf: buffer[..<count])
                let excess = self[keyPath: bytes].count - limit
                if excess > 0 { self[keyPath: bytes].removeFirst(excess) }
            }
        }
    }

    /// As people know it: `SIGSEGV`.
    package static func signalName(_ signal: Int32) -> String {
        switch signal {
        case SIGSEGV: "SIGSEGV"
        case SIGABRT: "SIGABRT"
        case SIGBUS: "SIGBUS"
        case SIGFPE: "SIGFPE"
        case SIGILL: "SIGILL"
        case SIGKILL: "SIGKILL"
        case SIGTERM: "SIGTERM"
        case SIGTRAP: "SIGTRAP"
        default: "signal \(signal)"
        }
    }
}
