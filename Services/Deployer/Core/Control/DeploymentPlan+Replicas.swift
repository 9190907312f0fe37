internal import DeployerTargets

/// What there is too much of ends, and what is missing begins.
extension DeploymentPlan {
    /// Replicas that nobody wants: first those that don't serve.
    func drop() -> ControlStep? {
        guard placed != nil else { return nil }
        // Requests go where the routers were told last.
        guard observed.routed == shares else { return nil }
        var leaving: [ReplicaID] = []
        for (revision, rows) in Dictionary(grouping: observed.rows.filter { $0.state != .draining }, by: \.revision) {
            let surplus = rows.count - (wanted[revision] ?? 0)
            guard surplus > 0 else { continue }
            let order = rows.sorted { (usefulness($0), $0.id) < (usefulness($1), $1.id) }
            leaving += order.prefix(surplus).map(\.id)
        }
        return leaving.isEmpty ? nil : .drain(leaving.sorted())
    }

    private func usefulness(_ row: ReplicaRow) -> Int {
        switch row.state {
        case .failed: 0
        case .pending: 1
        case .starting: 2
        default: 3
        }
    }

    /// Replicas that get no requests any more.
    mutating func end() -> ControlStep? {
        guard let placed else { return nil }
        for row in observed.rows where row.state == .draining {
            guard !observed.busy.contains(.start(row.id)) else { continue }
            guard let replica = placed[row.id] else { return .forget(row.id) }
            if case .ended = replica.state {
                if let step = unlessBusy(.remove(row.id)) { return step }
                continue
            }
            if row.readyAt != nil, let since = row.drainingAt {
                let end = since.advanced(by: rules.drain)
                guard observed.now >= end else {
                    later(end)
                    continue
                }
            }
            let grace = desired.revision(row.revision)?.grace ?? .seconds(60)
            if let step = unlessBusy(.stop(row.id, grace: grace)) { return step }
        }
        return nil
    }

    /// Replicas that failed: their remains, and another in their place when the pause is over.
    mutating func remedy() -> ControlStep? {
        guard let placed else { return nil }
        for row in observed.rows where row.state == .failed {
            guard !observed.busy.contains(.start(row.id)) else { continue }
            if case .alive? = placed[row.id]?.state {
                if let step = unlessBusy(.stop(row.id, grace: rules.hungGrace)) { return step }
                continue
            }
            // Until then its log can be read.
            if let again = row.nextAttempt, observed.now < again {
                later(again)
                continue
            }
            if placed[row.id] != nil {
                if let step = unlessBusy(.remove(row.id)) { return step }
                continue
            }
            return .beginAgain(row.id)
        }
        return nil
    }

    /// Replicas that are missing.
    mutating func begin() -> ControlStep? {
        guard placed != nil, !desired.isDeleting else { return nil }
        for row in observed.rows where row.state == .pending {
            if let step = begin(row) { return step }
        }
        for (revision, count) in wanted.sorted(by: { $0.key < $1.key }) {
            let rows = observed.rows.count { $0.revision == revision && $0.state != .draining }
            guard rows < count, let wish = desired.revision(revision), wish.image == .here else { continue }
            guard let missing = observed.room?.shortage(of: wish.needs) else { return .intend(revision: revision) }
            noteShortage(missing)
            later(observed.now.advanced(by: rules.roomPause))
        }
        return nil
    }

    private mutating func begin(_ row: ReplicaRow) -> ControlStep? {
        switch observed.preparations[row.revision] {
        case .done: return unlessBusy(.start(row.id))
        case .failed(_, let again) where observed.now < again:
            later(again)
            return nil
        case .failed, nil: return unlessBusy(.prepare(revision: row.revision))
        }
    }

    /// Replicas that nobody wrote down, or that were forgotten.
    func removeOrphans() -> ControlStep? {
        guard let placed else { return nil }
        let known = Set(observed.rows.map(\.id))
        for (id, replica) in placed.sorted(by: { $0.key < $1.key }) where !known.contains(id) {
            let step: ControlStep = replica.state == .alive ? .stop(id, grace: rules.hungGrace) : .remove(id)
            if let step = unlessBusy(step) { return step }
        }
        return nil
    }
}
