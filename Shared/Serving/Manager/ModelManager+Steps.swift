import Glibc
import Loop

extension ModelManager {
    private enum Effect {
        case tell(VersionStatus)
        case load(number: Int, DesiredVersion)
        case unload(number: Int, ServedVersion)
        case resume(CheckedContinuation<Result<Void, ServingError>, Never>, Result<Void, ServingError>)
        case publish([ServedVersion])
    }

    /// Takes every step that is due.
    func reconcile() { perform { _ in [] } }

    /// Changes the state, takes the steps that follow, and then does outside the lock what they ask for.
    private func perform(_ change: (inout State) -> [Effect]) {
        let effects = state.withLock { state in
            var effects = change(&state)
            let desired = self.desired(state)
            while let step = ServingPolicy.next(
                desired: desired, records: state.records, loadsMax: configuration.loadsMax)
            {
                effects += take(step, &state)
            }
            forgetGone(&state)
            let waiters = state.waiters
            state.waiters = waiters.filter { waiter in
                guard let result = waiter.check(state) else { return true }
                effects.append(.resume(waiter.continuation, result))
                return false
            }
            // Published under the lock, so that catalogues come in the order of the states they show.
            if effects.contains(where: { if case .publish = $0 { true } else { false } }) {
                catalogue.publish(newest(state))
            }
            return effects
        }
        for effect in effects { perform(effect) }
    }

    func desired(_ state: State) -> [DesiredVersion] {
        guard !state.isStopping else { return [] }
        return state.found.compactMap { found in
            let demand = state.demands[found.name] ?? Demand()
            guard !demand.isExcluded, configuration.control != .explicit || demand.count > 0 else { return nil }
            var desired = found
            desired.demand = demand.count
            desired.configuration.options.merge(demand.options) { _, new in new }
            return desired
        }
    }

    private func take(_ step: ServingPolicy.Step, _ state: inout State) -> [Effect] {
        switch step {
        case .load(let desired):
            state.lastNumber += 1
            let record = VersionRecord(
                number: state.lastNumber, name: desired.name, version: desired.version,
                fingerprint: desired.fingerprint, demand: desired.demand, state: .loading)
            state.records.append(record)
            return [.tell(record.status), .load(number: record.number, desired)]
        case .unload(let number):
            guard let served = state.served[number] else { return [] }
            return move(number, .quiescing, &state) + [.publish([]), .unload(number: number, served)]
        case .forget(let number):
            state.records.removeAll { $0.number == number }
            state.errors[number] = nil
            return []
        }
    }

    private func move(
        _ number: Int, _ next: VersionState, _ state: inout State, _ change: (inout VersionRecord) -> Void = { _ in }
    ) -> [Effect] {
        guard let index = state.records.firstIndex(where: { $0.number == number }),
            state.records[index].state.successors.contains(next)
        else { return [] }
        state.records[index].state = next
        change(&state.records[index])
        return [.tell(state.records[index].status)]
    }

    /// The versions that take requests: of each number the one that was loaded last.
    private func newest(_ state: State) -> [ServedVersion] {
        var newest: [ModelReference: Int] = [:]
        for record in state.records where record.state == .ready {
            let reference = ModelReference(name: record.name, version: record.version)
            newest[reference] = max(newest[reference] ?? 0, record.number)
        }
        return newest.values.sorted().compactMap { state.served[$0] }
    }

    private func forgetGone(_ state: inout State) {
        let gone = state.records.filter { $0.state == .gone }
        guard gone.count > ModelManager.goneMax else { return }
        let oldest = Set(gone.prefix(gone.count - ModelManager.goneMax).map(\.number))
        state.records.removeAll { oldest.contains($0.number) }
    }

    private func perform(_ effect: Effect) {
        switch effect {
        case .tell(let status): onEvent(.changed(status))
        case .load(let number, let desired): begin(number, desired)
        case .unload(let number, let served): quiesce(number, served)
        case .resume(let continuation, let result): continuation.resume(returning: result)
        case .publish: break
        }
    }

    /// Loads on a thread of its own: an adapter that hangs holds up nothing but that thread.
    private func begin(_ number: Int, _ desired: DesiredVersion) {
        let timer = CallTimer(loop: home)
        state.withLock { $0.timers[number] = timer }
        let limit = desired.configuration.loadTimeout
        timer.arm(at: home.clock.now.advanced(by: limit)) { [weak self] in
            self?.finish(
                number, .failure(ServingError(.deadlineExceeded, "it was not loaded within \(limit)")))
        }
        do {
            let thread = try startThread(named: "load-\(desired.name)") { [self] in
                do throws(ServingError) {
                    let version = try loader.load(desired) { adapter in
                        perform { state in move(number, .warming, &state) { $0.adapter = adapter } }
                    }
                    finish(number, .success(version))
                } catch {
                    finish(number, .failure(error))
                }
            }
            pthread_detach(thread)
        } catch {
            finish(
                number, .failure(ServingError(.unavailable, "the machine gives no thread to load it with: \(error)")))
        }
    }

    /// The first word counts: what loads after its time is dropped, which unloads it.
    private func finish(_ number: Int, _ result: Result<ServedVersion, ServingError>) {
        let timer = state.withLock { $0.timers.removeValue(forKey: number) }
        timer?.cancel()
        perform { state in
            switch result {
            case .success(let version):
                let effects = move(number, .ready, &state)
                guard !effects.isEmpty else { return [] }
                state.served[number] = version
                return effects + [.publish([])]
            case .failure(let error):
                let effects = move(number, .failed, &state) { $0.reason = error.message }
                if !effects.isEmpty { state.errors[number] = error }
                return effects
            }
        }
    }

    /// Waits for the requests under way, and lets go of the model then.
    private func quiesce(_ number: Int, _ served: ServedVersion) {
        served.uses.close { [self] in
            catalogue.afterAllLoops { [self] in
                // This is an event loop, and unloading takes long.
                let body: @Sendable () -> Void = { [self] in unload(number) }
                if !files.submit(body) { body() }
            }
        }
    }

    private func unload(_ number: Int) {
        perform { state in move(number, .unloading, &state) }
        let served = state.withLock { $0.served.removeValue(forKey: number) }
        // Here, outside the lock and on this thread.
        withExtendedLifetime(served) {}
        perform { state in move(number, .gone, &state) { $0.reason = "unloaded" } }
    }
}

extension VersionRecord {
    var status: VersionStatus {
        VersionStatus(name: name, version: version, state: state, reason: reason, adapter: adapter)
    }
}
