internal import Glibc

/// The kernel's groups of processes, by which limits are enforced: version 2, or version 1 with a hierarchy for each.
/// Where neither may be used there are none, and what `check` says is that limits are not enforced.
struct ControlGroups: Sendable {
    enum Resource: String, CaseIterable, Sendable { case cpu, memory, pids }

    private struct Hierarchy: Sendable {
        var path: String
        var isUnified: Bool
        var resources: [Resource]
    }

    private let hierarchies: [Hierarchy]

    /// What a replica is held to.
    var enforced: Set<Resource> { Set(hierarchies.flatMap(\.resources)) }

    /// Looks what may be used. On a thread that may block.
    /// - Parameters:
    ///   - name: of the group above all replicas'.
    ///   - top: where the hierarchies are mounted.
    init(name: String, top: String = "/sys/fs/cgroup") {
        var found: [Hierarchy] = []
        if let unified = Self.unified(name, top) { found.append(unified) }
        for resource in Resource.allCases where !found.contains(where: { $0.resources.contains(resource) }) {
            let path = "\(top)/\(resource.rawValue)/\(name)"
            let file = "\(top)/\(resource.rawValue)/cgroup.procs"
            guard access(file, W_OK) == 0, mkdir(path, 0o755) == 0 || errno == EEXIST else { continue }
            // A child shows whether the limits that it is for are there.
            guard access("\(path)/\(Self.limitFile(resource, isUnified: false))", W_OK) == 0 else { continue }
            found.append(Hierarchy(path: path, isUnified: false, resources: [resource]))
        }
        hierarchies = found
    }

    private static func unified(_ name: String, _ top: String) -> Hierarchy? {
        guard access("\(top)/cgroup.controllers", R_OK) == 0 else { return nil }
        let path = "\(top)/\(name)"
        let wanted = Resource.allCases.filter { write("+\($0.rawValue)", to: "\(top)/cgroup.subtree_control") }
        guard !wanted.isEmpty, mkdir(path, 0o755) == 0 || errno == EEXIST else { return nil }
        let usable = wanted.filter { write("+\($0.rawValue)", to: "\(path)/cgroup.subtree_control") }
        return usable.isEmpty ? nil : Hierarchy(path: path, isUnified: true, resources: usable)
    }

    private static func limitFile(_ resource: Resource, isUnified: Bool) -> String {
        switch resource {
        case .cpu: isUnified ? "cpu.max" : "cpu.cfs_quota_us"
        case .memory: isUnified ? "memory.max" : "memory.limit_in_bytes"
        case .pids: "pids.max"
        }
    }

    /// A replica's groups.
    struct Made {
        /// Folders, each of which the replica's process joins.
        var paths: [String] = []
        /// Where the kernel counts what it ended for want of memory.
        var memoryEvents: String?
    }

    /// Makes a replica's groups with their limits. What was made when it fails is for `remove`.
    /// - Throws: `SystemFault`.
    func make(_ id: ReplicaID, needs: ReplicaNeeds, processes: Int) throws(SystemFault) -> Made {
        var made = Made()
        for hierarchy in hierarchies {
            let path = "\(hierarchy.path)/\(id)"
            guard mkdir(path, 0o755) == 0 || errno == EEXIST else { throw SystemFault("make", path) }
            made.paths.append(path)
            for resource in hierarchy.resources {
                for (file, value) in Self.limits(resource, needs, processes, isUnified: hierarchy.isUnified) {
                    guard Self.write(value, to: "\(path)/\(file)") else {
                        throw SystemFault("limit", "\(path)/\(file)")
                    }
                }
            }
            guard hierarchy.resources.contains(.memory) else { continue }
            let isUnified = hierarchy.isUnified
            if needs.memoryBytes > 0 {
                // Only where the kernel counts it: what is swapped out would not be limited otherwise.
                let swap = isUnified ? "memory.swap.max" : "memory.memsw.limit_in_bytes"
                _ = Self.write(isUnified ? "0" : "\(needs.memoryBytes)", to: "\(path)/\(swap)")
            }
            made.memoryEvents = "\(path)/\(isUnified ? "memory.events" : "memory.oom_control")"
        }
        return made
    }

    private static func limits(
        _ resource: Resource, _ needs: ReplicaNeeds, _ processes: Int, isUnified: Bool
    ) -> [(String, String)] {
        let file = limitFile(resource, isUnified: isUnified)
        switch resource {
        case .cpu where needs.cpuMillis > 0:
            // Of each tenth of a second; the kernel takes no less than a millisecond.
            let quota = max(1000, needs.cpuMillis * 100)
            return isUnified ? [(file, "\(quota) 100000")] : [("cpu.cfs_period_us", "100000"), (file, "\(quota)")]
        case .memory where needs.memoryBytes > 0: return [(file, "\(needs.memoryBytes)")]
        case .pids where processes > 0: return [(file, "\(processes)")]
        default: return []
        }
    }

    /// Removes a replica's groups, where nothing is in them.
    func remove(_ id: ReplicaID) { for hierarchy in hierarchies { rmdir("\(hierarchy.path)/\(id)") } }

    private static func write(_ text: String, to path: String) -> Bool {
        guard let file = try? OpenFile(path, O_WRONLY) else { return false }
        return (try? file.write(Array(text.utf8)[...], path: path)) != nil
    }
}
