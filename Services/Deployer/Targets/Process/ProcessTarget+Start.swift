internal import Glibc

extension ProcessTarget {
    public func start(_ order: ReplicaOrder) async throws(TargetError) {
        do {
            try await pool.run { [self] in try startHere(order) }
        } catch { throw Self.targetError(error) }
    }

    /// Killed anywhere in here, nothing counts that has not its supervisor: the next order begins anew.
    private func startHere(_ order: ReplicaOrder) throws {
        guard Self.isID(order.id) else { throw TargetError(.refused, "\(order.id) is no lower-case UUID") }
        guard order.owner.suite == suite else {
            throw TargetError(.refused, "\(order.id) is of another installation: \(order.owner.suite)")
        }
        try order.image.check()
        let folder = ReplicaFolder(order.id, in: settings.folder)
        let lock = try deploymentLock(order.owner)
        guard lock.lock(waits: true) else { throw SystemFault("lock", "the deployment \(order.owner.deploymentID)") }
        try raiseFence(lock, order)
        if folder.exists {
            if folder.wasStarted { return }
            try Tree.remove(folder.path)
        }
        try checkCapacity(order)
        let images = try rootsLock(shared: true)
        defer { withExtendedLifetime(images) {} }
        guard let root = roots.path(of: order.image.digest) else {
            throw TargetError(.failed, "the image \(order.image.name) is not here; it has to be prepared first")
        }
        do {
            try launch(order, folder, root, lock)
        } catch {
            discard(folder)
            throw error
        }
    }

    private func launch(_ order: ReplicaOrder, _ folder: ReplicaFolder, _ root: String, _ lock: OpenFile) throws {
        let user = try ImageUser(order.image.configuration.user, in: try RootTree(root))
        try Tree.make("\(folder.path)/run", mode: 0o755)
        chmod("\(folder.path)/run", 0o755)
        if geteuid() == 0, chown("\(folder.path)/run", user.user, user.group) != 0 {
            throw SystemFault("own", "\(folder.path)/run")
        }
        try folder.write(ReplicaRecord(order, startedAt: Self.now()))
        let made = try groups.make(order.id, needs: order.needs, processes: settings.processes)
        let told = try LauncherOrder(
            order, folder, root: root, user: user, groups: made, settings: settings,
            limitsMemory: groups.enforced.contains(.memory))
        do {
            try launcher.run(told, lock: lock)
        } catch {
            guard error.code == .unusableImage else { throw error }
            throw TargetError(
                .unusableImage,
                "the image \(order.image.name) can't be run, its entry point is "
                    + "\(order.words.joined(separator: " ")): \(error.message)")
        }
    }

    /// Takes away what a failed start left.
    private func discard(_ folder: ReplicaFolder) {
        if let number = folder.supervisor {
            let process = ForeignProcess(number, isStill: { folder.supervisor == number })
            process?.end()
        }
        try? Tree.remove(folder.path)
        try? Tree.remove(folder.alive)
        groups.remove(folder.id)
    }

    /// Removes a folder that is no replica's, and that nobody is making into one.
    func sweep(_ folder: ReplicaFolder) {
        guard !folder.wasStarted, folder.supervisor == nil else { return }
        guard let owner = folder.record()?.owner else {
            // Killed between the folder and its record. Whoever makes it now would have the record in a moment.
            if let age = folder.age, age > 60 { try? Tree.remove(folder.path) }
            return
        }
        guard let lock = try? deploymentLock(owner), lock.lock(waits: false), !folder.wasStarted else { return }
        discard(folder)
    }

    /// The file that keeps the greatest fence that was seen for a deployment. Its lock orders all starts of it.
    func deploymentLock(_ owner: ReplicaOwner) throws(SystemFault) -> OpenFile {
        var installation = ""
        for byte in owner.suite.utf8 {
            let isDigit = (0x30...0x39).contains(byte) || byte == 0x2d
            let isLetter = (0x61...0x7a).contains(byte) || (0x41...0x5a).contains(byte)
            installation += isDigit || isLetter ? String(UnicodeScalar(byte)) : "%\(byte)"
        }
        return try OpenFile("\(settings.folder)/fences/\(installation).\(owner.deploymentID)", O_RDWR | O_CREAT)
    }

    private func raiseFence(_ file: OpenFile, _ order: ReplicaOrder) throws {
        let text = String(decoding: try file.read(at: 0, atMost: 32), as: UTF8.self)
        let seen = text.split(separator: "\n").first.flatMap { Int64($0) } ?? .min
        guard order.fence >= seen else {
            throw TargetError(
                .stale,
                "the order for \(order.owner.deployment) has the fence \(order.fence), and \(seen) was seen before")
        }
        guard order.fence > seen else { return }
        // Only its first line is read: what a longer one before it left behind it is of no account.
        let written = Array("\(order.fence)\n".utf8)
        let count = pwrite(file.descriptor, written, written.count, 0)
        guard count == written.count else { throw SystemFault("write", "a fence") }
    }

    private func checkCapacity(_ order: ReplicaOrder) throws(TargetError) {
        let total = total
        var taken = ReplicaNeeds()
        for folder in folders where folder.id != order.id && folder.supervisor != nil {
            guard let needs = folder.record()?.needs else { continue }
            taken.cpuMillis += needs.cpuMillis
            taken.memoryBytes += needs.memoryBytes
        }
        let needs = order.needs
        guard needs.gpus == 0 else {
            throw TargetError(.noCapacity, "\(needs.gpus) GPUs are wanted, and replicas on this place have none")
        }
        if needs.cpuMillis > 0, taken.cpuMillis > total.cpuMillis - needs.cpuMillis {
            throw Self.lacks("cores", "thousandths", total.cpuMillis, taken.cpuMillis)
        }
        if needs.memoryBytes > 0, taken.memoryBytes > total.memoryBytes - needs.memoryBytes {
            throw Self.lacks("memory", "bytes", total.memoryBytes, taken.memoryBytes)
        }
    }

    private static func lacks(_ what: String, _ unit: String, _ has: Int64, _ taken: Int64) -> TargetError {
        TargetError(.noCapacity, "this place has \(has) \(unit) of \(what), of which \(taken) are taken")
    }

    static func now() -> Int64 {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
    }
}

extension ReplicaFolder {
    /// In seconds.
    var age: Int? {
        var status = stat()
        guard stat(path, &status) == 0 else { return nil }
        return time(nil) - status.st_mtim.tv_sec
    }
}
