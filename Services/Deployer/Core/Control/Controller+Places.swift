internal import DeployerTargets
internal import Loop
internal import Postgres

extension Controller {
    /// What a place runs, from an observation that was begun after that number. However many ask, it is asked once.
    func view(of target: Int64, after: Int64) async -> PlaceView {
        if let known = views[target], known.begun > after { return known }
        if let look = looks[target], look.begun > after { return await look.task.value }
        // Of two looks under way, the later one counts.
        let begun = tick()
        let task = Task { await observe(target, begun) }
        looks[target] = (begun, task)
        let view = await task.value
        if looks[target]?.begun == begun { looks[target] = nil }
        return view
    }

    private func observe(_ target: Int64, _ begun: Int64) async -> PlaceView {
        let view: PlaceView
        do {
            let replicas = try await parts.place(target).observe()
            view = PlaceView(begun: begun, suite: parts.suite, replicas)
        } catch {
            view = PlaceView(begun: begun, trouble: "\(error)")
        }
        let before = views[target]
        guard begun > (before?.begun ?? 0) else { return view }
        views[target] = view
        for deployment in tended.values where deployment.record.target == target {
            if before?.of(deployment.id) != view.of(deployment.id) { deployment.change() }
        }
        return view
    }

    /// All places at once, each once.
    func observeAll() async {
        let now = tick()
        var targets = Set(tended.values.map(\.record.target))
        // Also those of which the last deployment went a moment ago: something of it may be left there.
        targets.formUnion(watches.keys)
        await withTaskGroup(of: Void.self) { group in
            for target in targets { group.addTask { _ = await self.view(of: target, after: now) } }
        }
    }

    /// Looks again whenever a place says that a replica may have ended.
    func watch(_ target: Int64) {
        watches[target] = Task {
            let rung = PostgresBell()
            await withTaskGroup(of: Void.self) { group in
                group.addTask { await self.relay(target, rung) }
                group.addTask {
                    while !Task.isCancelled {
                        guard (try? await rung.wait(upTo: .seconds(3600), on: self.loop)) != nil else { return }
                        _ = await self.view(of: target, after: self.tick())
                        self.bell.ring()
                    }
                }
            }
        }
    }

    private func relay(_ target: Int64, _ bell: PostgresBell) async {
        while !Task.isCancelled {
            if let place = try? await parts.place(target) { await place.watch { bell.ring() } }
            // It ends only where it failed.
            guard (try? await loop.sleep(for: .seconds(5))) != nil else { return }
        }
    }

    /// Replicas of deployments that there are not. The view was begun before the rows were read, and a row is there before
    /// its replica: nobody else's replica is among them.
    func removeOrphans(of target: Int64, _ view: PlaceView, known: [Int64: ControlRecord]) {
        for (deployment, replicas) in view.replicas where known[deployment] == nil {
            for (id, replica) in replicas where orphans.insert(id).inserted {
                Task {
                    do {
                        let place = try await parts.place(target)
                        if replica.state == .alive { try await place.stop(id, grace: parts.times.rules.hungGrace) }
                        try await place.remove(id)
                    } catch {
                        parts.logger.warning(
                            "a replica that nobody knows can't be removed",
                            ["replica": .string(id), "error": .string("\(error)")])
                    }
                    orphans.remove(id)
                }
            }
        }
    }
}
