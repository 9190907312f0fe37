internal import Glibc
internal import Loop

extension ProcessTarget {
    /// The supervisor writes down what it has seen within this time after it was told to make an end.
    private static let lastPatience = Duration.seconds(10)

    public func stop(_ id: ReplicaID, grace: Duration) async throws(TargetError) {
        guard Self.isID(id) else { return }
        let folder = ReplicaFolder(id, in: settings.folder)
        let supervisor: ForeignProcess?
        do {
            supervisor = try await pool.run {
                folder.supervisor.flatMap { number in ForeignProcess(number) { folder.supervisor == number } }
            }
        } catch { throw Self.targetError(error) }
        guard let supervisor else { return }
        // Asked, told, and in the end done without whom we told: each ends all that the one before left.
        let steps: [(signal: Int32, patience: Duration)] = [
            (SIGTERM, grace), (SIGINT, Self.lastPatience), (SIGKILL, Self.lastPatience),
        ]
        for (signal, patience) in steps where signal != SIGTERM || grace > .zero {
            supervisor.send(signal)
            if await supervisor.ends(within: patience, on: loop) {
                supervisor.forget()
                return
            }
            if Task.isCancelled { throw TargetError(.failed, "\(id) was asked to end, and not waited for") }
        }
        throw TargetError(.failed, "\(id) does not end, though it was killed")
    }

    public func remove(_ id: ReplicaID) async throws(TargetError) {
        guard Self.isID(id) else { return }
        do {
            try await pool.run { [self] in
                let folder = ReplicaFolder(id, in: settings.folder)
                guard folder.exists else { return }
                // Not between an order's arrival and its replica's beginning.
                let lock = try folder.record().map { try deploymentLock($0.owner) }
                if let lock, !lock.lock(waits: true) { throw SystemFault("lock", "a deployment") }
                guard folder.hasEnded || folder.supervisor == nil else {
                    throw TargetError(.refused, "\(id) runs; it has to be stopped first")
                }
                let leaving = "\(settings.folder)/replicas/.old-\(id)-\(UInt64.random(in: .min ... .max))"
                guard rename(folder.path, leaving) == 0 || errno == ENOENT else {
                    throw SystemFault("name", leaving)
                }
                try Tree.remove(leaving)
                try Tree.remove(folder.alive)
                groups.remove(id)
            }
        } catch { throw Self.targetError(error) }
    }

    public func log(
        of id: ReplicaID, lines: Int, follow: Bool, _ line: @escaping @Sendable (ReplicaLogLine) async throws -> Void
    ) async throws {
        let folder = ReplicaFolder(id, in: settings.folder)
        guard Self.isID(id), try await pool.run({ folder.exists }) else {
            throw TargetError(.refused, "there is no replica \(id) here")
        }
        let log = ReplicaLog(folder.path)
        // Watched before it is read: nothing comes in between that nobody hears of.
        let rings = follow ? try FolderBell.rings(folder.path, writes: true, on: loop) : nil
        let first = try await pool.run { log.last(lines) }
        for one in first.lines { try await line(one) }
        guard let rings else { return }
        var position = first.position
        for await _ in rings {
            let before = position
            let (more, after, isGone) = try await pool.run {
                var position = before
                // Looked at before the rest is read.
                let isGone = !folder.exists
                let more = log.more(&position)
                return (more, position, isGone)
            }
            position = after
            for one in more { try await line(one) }
            if isGone { return }
        }
    }
}
