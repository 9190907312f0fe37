/// Which is the latest order of each deployment, kept in the engine, so that all deployers see the same: an empty volume
/// whose name and labels say it. It outlives the containers; it goes when no order can be under way any more.
extension DockerTarget {
    /// How long after it was made a record may be forgotten, where its deployment has no containers: leases last seconds.
    private static let recordLifetime: Int64 = 24 * 3600

    private struct Record {
        var name: String
        var deployment: String
        var fence: Int64
        var madeAt: Int64

        init?(_ volume: EngineValue) {
            guard let name = volume["Name"].text, let deployment = volume["Labels"][ReplicaLabels.fenced].text,
                let fence = volume["Labels"][ReplicaLabels.fence].text.flatMap({ Int64($0) })
            else { return nil }
            self.name = name
            self.deployment = deployment
            self.fence = fence
            madeAt = (volume["CreatedAt"].text.flatMap { EngineTime.nanoseconds(of: $0) } ?? 0) / 1_000_000_000
        }
    }

    /// Records an order's number, and those before it are refused from now on.
    /// - Throws: `TargetError` `.stale` where there was a later one.
    func admit(_ order: ReplicaOrder) async throws(TargetError) {
        let records = try await latest(of: order)
        let highest = records.map(\.fence).max()
        if let highest, highest > order.fence { throw Self.stale(order, highest) }
        guard highest != order.fence else { return }
        try await asked("the order for \(order.id) can't be recorded") { () async throws(EngineError) in
            let volume: EngineValue = [
                "Name": .text("slipway-order-\(order.owner.suite)-\(order.owner.deploymentID)-\(order.fence)"),
                "Labels": [
                    ReplicaLabels.suite: .text(order.owner.suite), ReplicaLabels.fence: .text("\(order.fence)"),
                    ReplicaLabels.fenced: .text("\(order.owner.deploymentID)"),
                ],
            ]
            try await engine.call(.post, "/volumes/create", [:], .bytes(volume.json))
        }
        for record in records where record.fence < order.fence { await forget(record) }
    }

    /// Looks again whether there is a later order by now.
    func confirm(_ order: ReplicaOrder) async throws(TargetError) {
        let highest = try await latest(of: order).map(\.fence).max()
        if let highest, highest > order.fence { throw Self.stale(order, highest) }
    }

    private static func stale(_ order: ReplicaOrder, _ highest: Int64) -> TargetError {
        TargetError(
            .stale,
            "the order for \(order.id) has the number \(order.fence), and one with \(highest) was taken already for \(order.owner.workspace)/\(order.owner.deployment)"
        )
    }

    private func latest(of order: ReplicaOrder) async throws(TargetError) -> [Record] {
        let label = "\(ReplicaLabels.fenced)=\(order.owner.deploymentID)"
        return try await asked("earlier orders can't be looked up at \(engine.address)") {
            () async throws(EngineError) in
            // Of several labels podman takes those that have one of them.
            try await records(["label": [.text(label)]]).filter { $0.deployment == "\(order.owner.deploymentID)" }
        }
    }

    private func records(_ filter: EngineValue) async throws(EngineError) -> [Record] {
        let answer = try await engine.call(.get, "/volumes", ["filters": self.filter(filter)]).value()
        let ours = answer["Volumes"].items.filter { $0["Labels"][ReplicaLabels.suite].text == settings.suite }
        return ours.compactMap { Record($0) }
    }

    private func forget(_ record: Record) async {
        // One that stays does no harm: the highest counts.
        _ = try? await engine.call(.delete, "/volumes/\(record.name)")
    }

    /// Removes what starters left that were killed, and records that nothing can need.
    func tidyUp() async throws(EngineError) {
        let (containers, now) = try await containers()
        for container in containers where container.isUnfinished && container.createdAt < now - 600 {
            _ = try? await engine.call(.delete, "/containers/\(container.engineID)", ["v": "true", "force": "true"])
        }
        let inUse = Set(containers.compactMap { $0.owner.map { "\($0.deploymentID)" } })
        for record in try await records(["label": [.text(ReplicaLabels.fenced)]])
        where !inUse.contains(record.deployment) && record.madeAt < now - Self.recordLifetime {
            await forget(record)
        }
    }
}
