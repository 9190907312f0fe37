import Loop
import Spelling
import Synchronization

extension ModelManager: InferenceServing {
    public func infer(_ request: consuming InferenceRequest) async throws(ServingError) -> InferenceAnswer {
        let version = try enter(request.model)
        defer { version.uses.leave() }
        return try await version.infer(request)
    }

    /// Finds a version and holds it: whoever gets it leaves it again.
    private func enter(_ reference: ModelReference) throws(ServingError) -> ServedVersion {
        if let version = catalogue.nearest.find(reference), version.uses.enter() { return version }
        // The loop's catalogue may be one behind a swap; and while this one is read, another may happen.
        for _ in 0..<1000 {
            guard let version = catalogue.current.find(reference) else { break }
            if version.uses.enter() { return version }
        }
        throw missing(reference)
    }

    private func missing(_ reference: ModelReference) -> ServingError {
        let (records, names) = state.withLock { state in
            (state.records.filter { $0.name == reference.name }, Set(state.found.map(\.name)))
        }
        guard !records.isEmpty else {
            if names.contains(reference.name) {
                return ServingError(.notReady, "model '\(reference.name)' is not loaded")
            }
            let near = names.map { ($0, EditDistance.between(reference.name, $0)) }.min { $0.1 < $1.1 }
            let meant = near.map { $0.1 <= 2 ? "; did you mean '\($0.0)'?" : "" } ?? ""
            return ServingError(.notFound, "there is no model '\(reference.name)'\(meant)")
        }
        guard let number = reference.version else {
            return notReady(records.max { $0.number < $1.number }, "model '\(reference.name)'")
        }
        if let record = records.last(where: { $0.version == number }) {
            return notReady(record, "version \(number) of model '\(reference.name)'")
        }
        let ready = records.filter { $0.state == .ready }.map { "\($0.version)" }.joined(separator: ", ")
        return ServingError(
            .notFound,
            "model '\(reference.name)' has no version \(number); "
                + (ready.isEmpty ? "none is ready" : "ready is \(ready)"))
    }

    private func notReady(_ record: VersionRecord?, _ what: String) -> ServingError {
        switch record?.state {
        case .failed: ServingError(.notReady, "\(what) could not be loaded: \(record?.reason ?? "")")
        case .new, .loading, .warming: ServingError(.notReady, "\(what) is loading", retryAfter: .seconds(1))
        default: ServingError(.notReady, "\(what) is not loaded")
        }
    }

    public var isReady: Bool {
        state.withLock { state in
            guard state.hasScanned, !state.isStopping else { return false }
            let desired = desired(state)
            // A version that could not be loaded does not count against a model that serves with another.
            return desired.allSatisfy { desired in
                state.records.contains { $0.name == desired.name && $0.state == .ready }
            }
        }
    }

    public func isReady(_ model: ModelReference) -> Bool { catalogue.nearest.find(model) != nil }

    public func summary(of model: ModelReference) throws(ServingError) -> ModelSummary {
        let current = catalogue.current
        guard let version = current.find(model) else { throw missing(model) }
        return version.summary(versions: current.models[model.name]?.versions.map(\.version) ?? [])
    }

    public func list() -> [VersionStatus] {
        let (records, desired) = state.withLock { ($0.records, $0.found) }
        var statuses = records.sorted { $0.number < $1.number }.map(\.status)
        // What nobody asked for yet is there too.
        for found in desired where !records.contains(where: { $0.name == found.name && $0.version == found.version }) {
            statuses.append(VersionStatus(name: found.name, version: found.version, state: .new))
        }
        return statuses.sorted { ($0.name, $0.version) < ($1.name, $1.version) }
    }

    public func statistics(of model: ModelReference?) throws(ServingError) -> [ModelStatistics] {
        let current = catalogue.current
        let versions: [ServedVersion]
        if let model {
            guard let found = current.models[model.name] else { throw missing(model) }
            versions = found.versions.filter { model.version == nil || $0.version == model.version }
            if versions.isEmpty { throw missing(model) }
        } else {
            versions = current.models.keys.sorted().flatMap { current.models[$0]?.versions ?? [] }
        }
        return versions.map { $0.readStatistics(wallOffset: wallOffset) }
    }

    public func load(_ name: String, options: [String: String]) async throws(ServingError) {
        try allowExplicit("load")
        do { try await refresh() } catch let error as ServingError { throw error } catch {
            throw ServingError(.overloaded, "\(error)", retryAfter: .seconds(1))
        }
        let wanted = state.withLock { state -> [DesiredVersion] in
            guard state.found.contains(where: { $0.name == name }) else { return [] }
            var demand = state.demands[name] ?? Demand()
            demand.count += 1
            demand.isExcluded = false
            demand.options = options
            state.demands[name] = demand
            return desired(state).filter { $0.name == name }
        }
        guard !wanted.isEmpty else { throw missing(ModelReference(name: name)) }
        reconcile()
        let result = await wait { [self] state in
            for version in wanted {
                guard desired(state).contains(where: { $0.name == name && $0.version == version.version }) else {
                    return .failure(ServingError(.notReady, "model '\(name)' was taken out of service"))
                }
                // A later load that overtakes this one answers for it.
                let record = state.records.last { $0.name == name && $0.version == version.version }
                guard let record, record.demand >= version.demand else { return nil }
                if record.state == .failed {
                    return .failure(state.errors[record.number] ?? ServingError(.unloadable, record.reason))
                }
                if record.state == .loading || record.state == .warming || record.state == .new { return nil }
            }
            return .success(())
        }
        try result.get()
    }

    public func unload(_ name: String) async throws(ServingError) {
        try allowExplicit("unload")
        let isKnown = state.withLock { state in
            let isKnown =
                state.found.contains { $0.name == name } || state.records.contains { $0.name == name }
            if isKnown { state.demands[name, default: Demand()].isExcluded = true }
            return isKnown
        }
        guard isKnown else { throw missing(ModelReference(name: name)) }
        reconcile()
        _ = await wait { state in
            let isIn = state.records.contains { $0.name == name && $0.state != .gone && $0.state != .failed }
            return isIn ? nil : .success(())
        }
    }

    /// Requests that wait for a model now.
    public func queuedCount(_ name: String) -> Int {
        let versions = catalogue.current.models[name]?.versions ?? []
        return versions.reduce(0) { $0 + $1.waitingCount.load(ordering: .relaxed) }
    }

    private func allowExplicit(_ what: String) throws(ServingError) {
        guard configuration.control != .source else {
            throw ServingError(
                .refused,
                "this server's models are what its folder holds; to \(what) one by request, set models.control to all")
        }
    }
}
