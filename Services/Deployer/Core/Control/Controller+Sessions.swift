internal import DeployerTargets
internal import Leases
internal import Loop
internal import Postgres
internal import Secrets

extension Controller {
    /// What is known of a deployment for its plan.
    func observed(_ deployment: TendedDeployment, room: PlaceRoom? = nil) -> ObservedDeployment {
        let record = deployment.record
        var observed = ObservedDeployment(now: deployment.now(loop))
        observed.rows = record.rows
        observed.place = views[record.target]?.of(record.id) ?? .unseen
        observed.answers = deployment.answers
        observed.preparations = deployment.preparations
        observed.refusals = deployment.refusals
        observed.busy = deployment.busy
        observed.room = room
        observed.routed = record.routed
        observed.status = record.report
        if let rollout = record.desired.rollout, let baseline = record.baseline {
            observed.sample = baseline.sample(record.counters(of: rollout.to))
        }
        return observed
    }

    /// Has somebody work on it, under its lease.
    func begin(_ deployment: TendedDeployment) {
        sessions += 1
        let id = deployment.id
        deployment.task = Task {
            do {
                try await leases.withLease(Controller.leaseKind, "\(id)", for: parts.times.lease) { lease in
                    try await self.work(id, lease)
                }
                deployment.troubles = 0
            } catch LeaseError.taken {
                // Somebody else does it. Looked at again, should they not.
                deployment.later(loop.clock.now.advanced(by: .seconds(2)))
            } catch {
                deployment.troubles += 1
                let pause = parts.times.rules.pause(after: min(deployment.troubles, 5)) / 4
                deployment.later(loop.clock.now.advanced(by: pause))
                if !Task.isCancelled, !(error is ControlStore.Outdated) {
                    parts.logger.warning(
                        "work on a deployment was interrupted",
                        ["deployment": .string(deployment.record.name), "error": .string("\(error)")])
                }
            }
            sessions -= 1
            deployment.busy = []
            deployment.task = nil
            dirty.insert(deployment.id)
            bell.ring()
        }
    }

    /// Does one step after the other until there is none.
    private func work(_ id: Int64, _ lease: Lease) async throws {
        guard let deployment = tended[id] else { return }
        var fresh = tick()
        var spoiled = 0
        try await withThrowingTaskGroup(of: Void.self) { group in
            while true {
                try Task.checkCancellation()
                let at = loop.clock.now
                deployment.isDue = false
                deployment.wake = nil
                // Observed first: see `removeOrphans`.
                _ = await view(of: deployment.record.target, after: fresh)
                guard let record = try await reader.read([id])[id] else { return }
                deployment.take(record, at: at)
                prepareProbes(deployment)
                do {
                    if try await scale(deployment, lease) { continue }
                    let room = try await ControlStore.room(of: record.target) { try await pool.read($0) }
                    let answer = DeploymentPlan.next(
                        record.desired, observed(deployment, room: room), rules: parts.times.rules)
                    if let wake = answer.wake { later(deployment, wake) }
                    guard let step = answer.step else {
                        if deployment.busy.isEmpty { return }
                        let wake = deployment.wake ?? loop.clock.now.advanced(by: .seconds(5))
                        let pause = max(.milliseconds(1), loop.clock.now.duration(to: wake))
                        try await deployment.bell.wait(upTo: min(pause, .seconds(5)), on: loop)
                        if deployment.busy.isEmpty || deployment.isDone { fresh = tick() }
                        deployment.isDone = false
                        continue
                    }
                    if let work = step.work {
                        deployment.busy.insert(work)
                        group.addTask { try await self.carryOut(step, work, id, record, lease) }
                    } else {
                        await onPoint(ControlPoint(step: step, isDone: false))
                        try await store.write(step, of: record, under: lease)
                        await onPoint(ControlPoint(step: step, isDone: true))
                        if case .endDeletion = step { return }
                        spoiled = 0
                    }
                } catch is ControlStore.Outdated {
                    spoiled += 1
                    guard spoiled < 10 else { throw ControlStore.Outdated() }
                }
            }
        }
    }

    private func scale(_ deployment: TendedDeployment, _ lease: Lease) async throws -> Bool {
        let choice = decide(deployment)
        guard choice.changes || isWorthWriting(choice, deployment) else { return false }
        try await store.scale(choice, of: deployment.record, under: lease)
        deployment.recorded = (choice.computed, loop.clock.now)
        return true
    }

    /// Does something at the place. What came of it is seen there afterwards.
    private func carryOut(
        _ step: ControlStep, _ work: PlaceWork, _ id: Int64, _ record: ControlRecord, _ lease: Lease
    ) async throws {
        guard let deployment = tended[id] else { return }
        do {
            let place = try await parts.place(record.target)
            await onPoint(ControlPoint(step: step, isDone: false))
            switch step {
            case .prepare(let number):
                let image = try await parts.image(try controlled(number, record))
                try await place.prepare(image) { _ in }
                deployment.preparations[number] = .done
            case .start(let replica): try await place.start(try await order(replica, record, lease))
            case .stop(let replica, let grace): try await place.stop(replica, grace: grace)
            case .remove(let replica): try await place.remove(replica)
            default: break
            }
            await onPoint(ControlPoint(step: step, isDone: true))
        } catch let error as TargetError where error.code == .stale {
            // Somebody has the lease who came later.
            throw LeaseError.lost(kind: lease.kind, name: lease.name, fence: lease.fence)
        } catch is CancellationError {
            throw CancellationError()
        } catch {
            note(error, step, deployment)
            // Not again at once, whatever it was.
            try await loop.sleep(for: .milliseconds(500))
        }
        deployment.busy.remove(work)
        deployment.isDone = true
        deployment.change()
    }

    private func note(_ error: any Error, _ step: ControlStep, _ deployment: TendedDeployment) {
        parts.logger.warning(
            "a place did not do what it was asked to",
            ["deployment": .string(deployment.record.name), "error": .string("\(error)")])
        let again = deployment.now(loop).advanced(by: .seconds(5))
        switch step {
        case .prepare(let number):
            if let error = error as? TargetError, error.code == .unreachable { return }
            deployment.preparations[number] = .failed("\(error)", again: again)
        case .start(let replica):
            deployment.refusals[replica] = error as? TargetError ?? TargetError(.failed, "\(error)")
            // What it needs may have been removed there.
            if let row = deployment.record.rows.first(where: { $0.id == replica }) {
                deployment.preparations[row.revision] = nil
            }
        default: break
        }
    }

    private func controlled(_ number: Int, _ record: ControlRecord) throws -> ControlledRevision {
        guard let revision = record.revisions[number] else {
            throw TargetError(.refused, "there is no revision \(number)")
        }
        return ControlledRevision(
            workspace: record.workspace, deployment: record.name, number: number, imageName: revision.imageName,
            digest: revision.digest, settings: revision.settings, principal: record.principal)
    }

    private func order(_ replica: ReplicaID, _ record: ControlRecord, _ lease: Lease) async throws -> ReplicaOrder {
        guard let row = record.rows.first(where: { $0.id == replica }), let kept = record.replicas[replica] else {
            throw TargetError(.refused, "there is no replica \(replica)")
        }
        let revision = try controlled(row.revision, record)
        let key = try parts.box.open(kept.sealedKey, for: SecretBox.replicaKey(replica))
        return ReplicaOrder(
            id: replica,
            owner: ReplicaOwner(
                suite: parts.suite, workspace: record.workspace.name, deployment: record.name, deploymentID: record.id,
                revision: row.revision),
            image: try await parts.image(revision), variables: try await parts.variables(revision),
            needs: record.desired.revision(row.revision)?.needs ?? .init(),
            concurrency: max(1, Int(revision.settings.concurrency)), accessKey: String(decoding: key, as: UTF8.self),
            fence: lease.fence)
    }
}
