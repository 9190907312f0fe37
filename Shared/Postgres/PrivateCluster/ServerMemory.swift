import Glibc

/// How much the private server may keep of its tables in memory of its own. It asks for address space alone: pages count
/// when they are first used, so a small database stays small.
enum ServerMemory {
    private static let least = 128
    private static let most = 512

    /// Megabytes: an eighth of what this machine, or the group that confines us, has.
    static func sharedBuffers(
        machine: Int = sysconf(Int32(_SC_PHYS_PAGES)) / 1024 * sysconf(Int32(_SC_PAGESIZE)) / 1024,
        group: Int? = limit("/sys/fs/cgroup/memory.max")
    ) -> Int {
        max(least, min(most, min(machine, group ?? machine) / 8))
    }

    /// Megabytes; nil where there is no such file or no limit.
    static func limit(_ path: String) -> Int? {
        guard let bytes = FileBytes.read(path) else { return nil }
        return Int(PostgresConnectionString.trimmed(String(decoding: bytes, as: UTF8.self))).map { $0 >> 20 }
    }
}
