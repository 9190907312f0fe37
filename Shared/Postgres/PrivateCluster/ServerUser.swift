import Glibc

/// The user that the server runs as: us, or somebody harmless where we are root, since `postgres` refuses root.
struct ServerUser: Equatable {
    let name: String
    let user: uid_t
    let group: gid_t
    let isOther: Bool

    /// - Throws: `PrivateClusterError` where root has nobody to become.
    static func current() throws -> ServerUser {
        guard geteuid() == 0 else { return ServerUser(name: "", user: geteuid(), group: getegid(), isOther: false) }
        for name in ["postgres", "nobody"] {
            guard let entry = getpwnam(name) else { continue }
            return ServerUser(name: name, user: entry.pointee.pw_uid, group: entry.pointee.pw_gid, isOther: true)
        }
        throw PrivateClusterError(.failed, "neither a user postgres nor a user nobody, and root may not run the server")
    }

    /// Blocks. Runs a program as this user.
    func run(_ program: String, _ arguments: [String]) throws -> ChildProcess.Outcome {
        guard isOther else { return try ChildProcess.run(program, arguments) }
        let identity = ["--reuid=\(user)", "--regid=\(group)", "--clear-groups", "--no-new-privs", "--"]
        return try ChildProcess.run("setpriv", identity + [program] + arguments)
    }

    /// Makes a folder that only this user can enter, or takes an existing one over.
    func makeFolder(_ path: String) throws {
        if mkdir(path, 0o700) != 0, errno != EEXIST {
            throw PrivateClusterError(.folder, "cannot make \(path): \(String(cString: strerror(errno)))")
        }
        var status = stat()
        guard lstat(path, &status) == 0, status.st_mode & S_IFMT == S_IFDIR else {
            throw PrivateClusterError(.folder, "\(path) is not a folder")
        }
        guard status.st_uid == user || status.st_uid == geteuid() else {
            throw PrivateClusterError(.folder, "\(path) belongs to another user")
        }
        if isOther, chown(path, user, group) != 0 { throw PrivateClusterError.system("chown \(path)", errno) }
        if chmod(path, 0o700) != 0 { throw PrivateClusterError.system("chmod \(path)", errno) }
    }
}
