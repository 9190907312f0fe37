import Glibc

/// Where PostgreSQL's server is installed.
struct PostgresBinaries: Equatable {
    let folder: String
    let major: Int

    /// Looks where it is told to, else where `pg_config` says, else in the usual places, the newest first.
    /// - Throws: `PrivateClusterError` that says what to install.
    static func find(in folder: String? = nil) throws -> PostgresBinaries {
        if let folder {
            guard isComplete(folder) else {
                throw PrivateClusterError(.notInstalled, "there are no initdb, pg_ctl and postgres in \(folder)")
            }
            return try PostgresBinaries(folder: folder)
        }
        for candidate in candidates() where isComplete(candidate) { return try PostgresBinaries(folder: candidate) }
        throw PrivateClusterError(
            .notInstalled,
            "PostgreSQL's server is not installed: apt-get install postgresql, or name the folder of its programs")
    }

    private init(folder: String) throws {
        self.folder = folder
        let outcome = try ChildProcess.run("\(folder)/postgres", ["-V"])
        // "postgres (PostgreSQL) 15.20 (Debian 15.20-0+deb12u1)"
        let words = outcome.output.split(separator: " ")
        guard outcome.isSuccess, words.count >= 3, let major = Int(words[2].prefix { $0.isNumber }) else {
            throw PrivateClusterError(.failed, "\(folder)/postgres -V: \(outcome.output)")
        }
        self.major = major
    }

    private static func candidates() -> [String] {
        var found: [String] = []
        if let outcome = try? ChildProcess.run("pg_config", ["--bindir"]), outcome.isSuccess {
            found.append(outcome.output)
        }
        for (root, suffix) in [("/usr/lib/postgresql", "/bin"), ("/opt/postgresql", "/bin")] {
            let versions = entries(of: root).compactMap { name in Int(name).map { ($0, name) } }
            found += versions.sorted { $0.0 > $1.0 }.map { "\(root)/\($0.1)\(suffix)" }
        }
        return found + ["/usr/local/pgsql/bin", "/usr/local/bin", "/usr/bin"]
    }

    private static func isComplete(_ folder: String) -> Bool {
        ["initdb", "pg_ctl", "postgres"].allSatisfy { access("\(folder)/\($0)", X_OK) == 0 }
    }

    static func entries(of folder: String) -> [String] {
        guard let directory = opendir(folder) else { return [] }
        defer { closedir(directory) }
        var names: [String] = []
        while let entry = readdir(directory) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names
    }
}
