internal import Glibc

/// What the launcher is told: records of `key=value` with a zero behind each.
struct LauncherOrder {
    private(set) var bytes: [UInt8] = []

    /// - Throws: `TargetError` `.refused` where the value has a zero in it.
    mutating func add(_ key: String, _ value: String) throws(TargetError) {
        guard !value.utf8.contains(0) else { throw TargetError(.refused, "\(key): a zero byte can't be handed over") }
        bytes += Array("\(key)=\(value)".utf8) + [0]
    }

    /// Asks whether replicas could be started at all.
    static var check: LauncherOrder {
        var order = LauncherOrder()
        order.bytes = Array("check=1\u{0}end=1\u{0}".utf8)
        return order
    }

    /// A replica's. Has its key in it: never in a list of processes, and never in a message.
    /// - Throws: `TargetError` where something of it can't be handed over.
    init(
        _ order: ReplicaOrder, _ folder: ReplicaFolder, root: String, user: ImageUser, groups: ControlGroups.Made,
        settings: ProcessSettings, limitsMemory: Bool
    ) throws(TargetError) {
        let configuration = order.image.configuration
        try add("root", root)
        try add("folder", folder.path)
        try add("alive", folder.alive)
        try add("working", configuration.workingFolder)
        try add("hostname", String(order.id.prefix(8)))
        try add("user", "\(user.user)")
        try add("group", "\(user.group)")
        try add("stop", "\(Self.signal(configuration.stopSignal))")
        try add("log_bytes", "\(settings.logBytes)")
        try add("temporary_bytes", "\(settings.temporaryBytes)")
        for path in groups.paths { try add("cgroup", path) }
        if let path = groups.memoryEvents { try add("oom", path) }
        if !limitsMemory, order.needs.memoryBytes > 0 { try add("data_bytes", "\(order.needs.memoryBytes)") }
        for word in order.words { try add("word", word) }
        for (name, value) in order.environment(listen: "unix:\(ReplicaRoot.socket)").sorted(by: { $0.key < $1.key }) {
            guard !name.isEmpty, !name.contains("=") else {
                throw TargetError(.refused, "\"\(name)\" can't be the name of a variable")
            }
            try add("variable", "\(name)=\(value)")
        }
        try add("end", "1")
    }

    private init() {}

    /// An image says `SIGTERM`, `TERM` or `15`.
    static func signal(_ text: String) -> Int32 {
        let known: [String: Int32] = [
            "HUP": SIGHUP, "INT": SIGINT, "QUIT": SIGQUIT, "KILL": SIGKILL, "USR1": SIGUSR1, "USR2": SIGUSR2,
            "TERM": SIGTERM, "WINCH": SIGWINCH,
        ]
        if let number = Int32(text), (1..<65).contains(number) { return number }
        return known[text.hasPrefix("SIG") ? String(text.dropFirst(3)) : text] ?? SIGTERM
    }
}
