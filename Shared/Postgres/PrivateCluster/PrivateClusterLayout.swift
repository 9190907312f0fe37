import Glibc

/// What lies where under the cluster's folder, and in which state it is.
struct PrivateClusterLayout: Sendable {
    static let port = 5432
    /// A unix socket's path with its zero must fit into 108 bytes.
    private static let socketPathMax = 107

    let folder: String
    let data: String
    let unfinished: String
    let log: String
    let sockets: String

    /// Makes the folder where it is missing and checks that the server's user can reach it.
    init(folder: String, user: ServerUser) throws {
        if mkdir(folder, 0o755) != 0, errno != EEXIST {
            throw PrivateClusterError(.folder, "cannot make \(folder): \(String(cString: strerror(errno)))")
        }
        guard let resolved = realpath(folder, nil) else {
            throw PrivateClusterError(.folder, "\(folder): \(String(cString: strerror(errno)))")
        }
        defer { free(resolved) }
        let path = String(cString: resolved)
        self.folder = path
        data = path + "/postgres"
        unfinished = path + "/postgres.unfinished"
        log = path + "/postgres/server.log"
        let near = path + "/postgres.socket"
        let isShort =
            near.utf8.count + "/.s.PGSQL.\(PrivateClusterLayout.port)".utf8.count
            <= PrivateClusterLayout.socketPathMax
        // The name follows from the folder, so that every start finds the same.
        sockets = isShort ? near : "/tmp/slipway-" + PrivateClusterLayout.fingerprint(path)
        let isReachable = try !user.isOther || user.run("test", ["-x", path]).isSuccess
        guard isReachable else {
            throw PrivateClusterError(
                .folder,
                "the server runs as user \(user.name), who can't pass through to \(path): choose another folder, or "
                    + "let others pass through its parents")
        }
    }

    /// The major version that made the cluster; nil where there is none yet.
    var version: Int? { contents("\(data)/PG_VERSION").flatMap { Int(PostgresConnectionString.trimmed($0)) } }

    /// - Throws: `PrivateClusterError` where another version made the cluster, or where it can't be read.
    func checkVersion(_ binaries: PostgresBinaries) throws {
        guard access(data, F_OK) == 0 else { return }
        guard let version else {
            throw PrivateClusterError(
                .folder, "\(data) is no PostgreSQL cluster, or belongs to a user whose files we may not read")
        }
        guard version == binaries.major else {
            throw PrivateClusterError(
                .otherVersion,
                "\(data) was made by PostgreSQL \(version), but \(binaries.folder) is \(binaries.major): install "
                    + "postgresql-\(version), or move the data with pg_upgrade or pg_dump")
        }
    }

    /// One starter at a time. The lock ends with the descriptor, so with the process too.
    func lock() throws -> Int32 {
        let descriptor = open(folder + "/postgres.lock", O_CREAT | O_RDWR | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw PrivateClusterError.system("open \(folder)/postgres.lock", errno) }
        while flock(descriptor, LOCK_EX) != 0 {
            guard errno == EINTR else {
                let number = errno
                close(descriptor)
                throw PrivateClusterError.system("flock", number)
            }
        }
        return descriptor
    }

    /// The server's first process. A number in `postmaster.pid` alone proves nothing: it may be anybody's by now.
    func runningServer() -> Int32? {
        guard let process = recordedProcess, isServer(process) else { return nil }
        return process
    }

    /// After a crash: waits for the last of the old server's processes, and removes what only looks like a server.
    func clearRemains(within timeout: Duration) throws {
        let end = ContinuousClock.now + timeout
        while let left = PostgresBinaries.entries(of: "/proc").compactMap({ Int32($0) }).first(where: isServer) {
            guard ContinuousClock.now < end else {
                throw PrivateClusterError(.failed, "process \(left) of a server that is gone still uses \(data)")
            }
            usleep(20_000)
        }
        // PostgreSQL deals with stale files itself, unless their number is taken: by somebody else, or still by the dead
        // server where nobody has collected it.
        for path in [data + "/postmaster.pid", socket + ".lock"] {
            if let process = process(in: path), kill(process, 0) == 0 { unlink(path) }
        }
    }

    private var socket: String { sockets + "/.s.PGSQL.\(PrivateClusterLayout.port)" }

    /// The end of what the server logged.
    func logTail() -> String {
        guard let text = contents(log) else { return "" }
        return text.split(separator: "\n").suffix(10).joined(separator: "\n")
    }

    private var recordedProcess: Int32? { process(in: data + "/postmaster.pid") }

    private func process(in lockFile: String) -> Int32? {
        contents(lockFile)?.split(separator: "\n").first.flatMap { Int32($0) }
    }

    private func isServer(_ process: Int32) -> Bool {
        var buffer = [UInt8](repeating: 0, count: Int(PATH_MAX))
        let count = buffer.withUnsafeMutableBytes {
            $0.baseAddress.map {
                readlink("/proc/\(process)/cwd", $0.assumingMemoryBound(to: CChar.self), Int(PATH_MAX))
            }
                ?? 0
        }
        return count > 0 && String(decoding: buffer[..<count], as: UTF8.self) == data
            && contents("/proc/\(process)/comm")?.hasPrefix("postgres") == true
    }

    private func contents(_ path: String) -> String? {
        FileBytes.read(path, most: 65_536).map { String(decoding: $0, as: UTF8.self) }
    }

    /// FNV-1a: stable over processes, which Swift's own hashes are not.
    private static func fingerprint(_ text: String) -> String {
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for byte in text.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
        return String(hash, radix: 16)
    }
}
