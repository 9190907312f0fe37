import Glibc

/// How many descriptors the process may have open.
enum OpenFileLimit {
    /// Far more than a service's connections and files; a limit without an end would make tools slow that close everything
    /// before they start another program.
    private static let wanted: rlim_t = 65_536

    /// Takes what the machine grants without being asked. The soft limit is 1,024 for the sake of programs that use
    /// `select`, of which this is none.
    static func raise() {
        var limit = rlimit()
        guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0, limit.rlim_cur < wanted else {
            return
        }
        limit.rlim_cur = min(limit.rlim_max, wanted)
        _ = setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
    }
}
