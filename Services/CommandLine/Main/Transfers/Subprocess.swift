import Glibc

/// Runs a program and takes what it says.
enum Subprocess {
    /// - Returns: what it wrote to its standard output; nil where it can't be run or failed.
    static func output(_ arguments: [String], variables: [String: String] = [:]) -> String? {
        var ends: [Int32] = [-1, -1]
        guard pipe(&ends) == 0 else { return nil }
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        defer { close(ends[0]) }
        guard let child = spawn(arguments, variables, output: ends[1]) else {
            close(ends[1])
            return nil
        }
        close(ends[1])
        var bytes: [UInt8] = []
        var piece = [UInt8](repeating: 0, count: 4096)
        while true {
            let count = read(ends[0], &piece, piece.count)
            if count == 0 { break }
            guard count > 0 || errno == EINTR else { break }
            // What nobody would say is read to its end, and not kept.
            if bytes.count < 1 << 20 { bytes += piece.prefix(max(0, count)) }
        }
        var status: Int32 = 0
        while waitpid(child, &status, 0) < 0, errno == EINTR {}
        return status == 0 ? String(decoding: bytes, as: UTF8.self) : nil
    }

    /// Starts a program that has this one's input and output. Whoever started it has to wait for it.
    /// - Parameter errors: takes its standard error.
    /// - Returns: nil where it can't be started; `errno` says why.
    static func start(_ arguments: [String], _ variables: [String: String], errors: Int32) -> pid_t? {
        spawn(arguments, variables, output: nil, errors: errors)
    }

    /// - Parameters:
    ///   - output: takes what it says, and it is asked nothing; nil leaves it this process's own.
    ///   - errors: takes its standard error; nil drops it.
    private static func spawn(
        _ arguments: [String], _ variables: [String: String], output: Int32?, errors: Int32? = nil
    ) -> pid_t? {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        if let output {
            posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0)
            posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO)
        }
        if let errors {
            posix_spawn_file_actions_adddup2(&actions, errors, STDERR_FILENO)
        } else {
            posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0)
        }
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        // This process holds its signals back; a child must hear them.
        var none = sigset_t()
        sigemptyset(&none)
        posix_spawnattr_setsigmask(&attributes, &none)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK))

        var entries: [String] = []
        var entry = environ
        while let pointer = entry.pointee {
            entries.append(String(cString: pointer))
            entry += 1
        }
        entries = entries.filter { entry in !variables.keys.contains { entry.hasPrefix($0 + "=") } }
        entries += variables.map { "\($0.key)=\($0.value)" }
        let words = arguments.map { strdup($0) } + [nil]
        let settings = entries.map { strdup($0) } + [nil]
        defer { for text in words + settings { free(text) } }
        var child: pid_t = 0
        guard let program = arguments.first else { return nil }
        errno = posix_spawnp(&child, program, &actions, &attributes, words, settings)
        return errno == 0 ? child : nil
    }
}
