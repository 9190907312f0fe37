public import Loop
internal import Glibc

/// Runs replicas as processes of this machine, each in namespaces of its own, with its image as a root that it can't
/// change. They outlive this process: whoever makes a target of the same folder has them.
///
/// May be used from any task. Several processes may have targets of one folder.
public final class ProcessTarget: ReplicaTarget {
    let suite: String
    let settings: ProcessSettings
    let launcher: Launcher
    let roots: ImageRoots
    let groups: ControlGroups
    let pool: ComputePool
    let loop: EventLoop

    /// Replicas' sockets are named below the folder.
    static let socketPathMax = 107

    /// - Parameters:
    ///   - suite: the installation, whose replicas alone it sees.
    ///   - pool: where files are worked on; it must be started and outlive the target.
    ///   - loop: where changes of files and ends of processes are waited for.
    /// - Throws: `TargetError` `.refused` where the folder can't be used, `.failed` where it can't be made.
    public static func open(
        _ settings: ProcessSettings, suite: String, pool: ComputePool, loop: EventLoop
    ) async throws(TargetError) -> ProcessTarget {
        do {
            return try await pool.run { try ProcessTarget(settings, suite: suite, pool: pool, loop: loop) }
        } catch { throw targetError(error) }
    }

    private init(_ settings: ProcessSettings, suite: String, pool: ComputePool, loop: EventLoop) throws {
        let folder = settings.folder
        guard folder.hasPrefix("/") else { throw TargetError(.refused, "the folder \(folder) is not absolute") }
        let socket = ReplicaFolder(String(repeating: "0", count: 36), in: folder).socket
        guard socket.utf8.count <= Self.socketPathMax else {
            throw TargetError(
                .refused,
                "the folder \(folder) is too deep: sockets below it would have \(socket.utf8.count) bytes in their "
                    + "paths, and may have \(Self.socketPathMax)")
        }
        self.suite = suite
        self.settings = settings
        self.pool = pool
        self.loop = loop
        launcher = Launcher(settings.launcher)
        roots = ImageRoots("\(folder)/roots", bytesMax: settings.imageBytes, pool: pool)
        groups = ControlGroups(name: settings.controlGroup)
        // What others could look into would be every model and every key.
        try Tree.make(folder)
        chmod(folder, 0o700)
        for name in ["roots", "replicas", "alive", "fences"] { try Tree.make("\(folder)/\(name)") }
        // Of removals that somebody was killed in.
        for name in Tree.names(in: "\(folder)/replicas") where name.hasPrefix(".old-") {
            try? Tree.remove("\(folder)/replicas/\(name)")
        }
    }

    public func check() async throws(TargetError) -> TargetFacts {
        do {
            return try await pool.run { [self] in
                let rights = try launcher.run(.check, lock: nil)
                var remarks: [String] = []
                if rights != "root" { remarks.append("replicas are kept apart in namespaces of users, without root") }
                let enforced = groups.enforced
                if !enforced.contains(.cpu) {
                    remarks.append("limits of cores are not enforced: no control group may be used")
                }
                if !enforced.contains(.memory) {
                    remarks.append("limits of memory hold for a replica's own data alone: no control group may be used")
                }
                if !enforced.contains(.pids) { remarks.append("the number of a replica's processes is not limited") }
                if let free = MachineFacts.freeShare(settings.folder), free < 10 {
                    remarks.append("\(free) % of the disk of \(settings.folder) are free")
                }
                return TargetFacts(
                    version: "processes, \(MachineFacts.kernel()), \(Self.machine)", total: total, remarks: remarks)
            }
        } catch { throw Self.targetError(error) }
    }

    #if arch(arm64)
        private static let machine = "linux/arm64"
    #else
        private static let machine = "linux/amd64"
    #endif

    /// What replicas may take together.
    var total: ReplicaNeeds {
        let machine = MachineFacts.total()
        let told = settings.total
        return ReplicaNeeds(
            cpuMillis: told.cpuMillis > 0 ? told.cpuMillis : machine.cpuMillis,
            memoryBytes: told.memoryBytes > 0 ? told.memoryBytes : machine.memoryBytes, gpus: 0)
    }

    public func prepare(
        _ image: LocalImage, progress: @escaping @Sendable (PreparationProgress) -> Void
    ) async throws(TargetError) {
        try await roots.prepare(image, progress: progress)
    }

    public func observe() async throws(TargetError) -> [ObservedReplica] {
        do {
            return try await pool.run { [self] in
                folders.compactMap { folder in
                    guard let replica = folder.observe() else {
                        sweep(folder)
                        return nil
                    }
                    return replica.owner.suite == suite ? replica : nil
                }
            }
        } catch { throw Self.targetError(error) }
    }

    public func keepImages(_ digests: Set<String>) async throws(TargetError) {
        do {
            try await pool.run { [self] in
                // Nobody starts one while it is looked which images those that run have.
                let lock = try rootsLock(shared: false)
                defer { withExtendedLifetime(lock) {} }
                let used = folders.filter { !$0.hasEnded }.compactMap { $0.record()?.image }
                try roots.keep(digests.union(used))
            }
        } catch { throw Self.targetError(error) }
    }

    public func watch(_ changed: @escaping @Sendable () -> Void) async {
        guard let rings = try? FolderBell.rings("\(settings.folder)/alive", on: loop) else {
            // The machine watches no more folders: then callers look every second.
            while (try? await loop.sleep(for: .seconds(1))) != nil { changed() }
            return
        }
        for await _ in rings { changed() }
    }

    /// All of the folder, of whatever installation.
    var folders: [ReplicaFolder] {
        Tree.names(in: "\(settings.folder)/replicas").filter(Self.isID).map { ReplicaFolder($0, in: settings.folder) }
    }

    /// Keeps images from being removed while it is held.
    func rootsLock(shared: Bool) throws(SystemFault) -> OpenFile {
        let file = try OpenFile("\(settings.folder)/roots.lock", O_RDWR | O_CREAT)
        guard file.lock(waits: true, shared: shared) else { throw SystemFault("lock", "\(settings.folder)/roots.lock") }
        return file
    }

    /// Names come from outside and become paths.
    static func isID(_ id: ReplicaID) -> Bool {
        let parts = id.split(separator: "-", omittingEmptySubsequences: false)
        return parts.map(\.utf8.count) == [8, 4, 4, 4, 12]
            && id.utf8.allSatisfy { (0x30...0x39).contains($0) || (0x61...0x66).contains($0) || $0 == 0x2d }
    }

    static func targetError(_ error: any Error) -> TargetError {
        switch error {
        case let error as TargetError: error
        case let error as SystemFault: error.asTargetError
        default: TargetError(.failed, "\(error)")
        }
    }
}
