internal import Glibc
internal import Loop

/// What this machine has, as far as this process may use it.
enum MachineFacts {
    static func total() -> ReplicaNeeds {
        ReplicaNeeds(cpuMillis: Int64(AvailableCores.count) * 1000, memoryBytes: memory())
    }

    static func kernel() -> String {
        var name = utsname()
        guard uname(&name) == 0 else { return "Linux" }
        return withUnsafeBytes(of: &name.release) { "Linux \(String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self))" }
    }

    /// The share of a folder's disk that is free, in percent.
    static func freeShare(_ folder: String) -> Int? {
        var status = statvfs()
        guard statvfs(folder, &status) == 0, status.f_blocks > 0 else { return nil }
        return Int(status.f_bavail * 100 / status.f_blocks)
    }

    /// The machine's, or its container's share of it.
    private static func memory() -> Int64 {
        var least = Int64.max
        for line in lines("/proc/meminfo") where line.hasPrefix("MemTotal:") {
            let words = line.split(separator: " ")
            if words.count > 1, let kibibytes = Int64(words[1]) { least = kibibytes << 10 }
        }
        for path in ["/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"] {
            if let text = lines(path).first, let limit = Int64(text), limit > 0 { least = min(least, limit) }
        }
        return least == .max ? 0 : least
    }

    private static func lines(_ path: String) -> [Substring] {
        guard let file = try? OpenFile(path, O_RDONLY), let bytes = try? file.read(at: 0, atMost: 16 << 10) else {
            return []
        }
        return String(decoding: bytes, as: UTF8.self).split(separator: "\n")
    }
}
