internal import HTTP

extension DockerTarget {
    /// Who made a container that is not started by then was killed in between.
    private static let startSeconds: Int64 = 60
    static let lastWordsLimit = 4096

    /// All containers of this installation, and the engine's time in seconds since 1970.
    func containers() async throws(EngineError) -> ([ContainerRecord], now: Int64) {
        let answer = try await engine.call(
            .get, "/containers/json", ["all": "true", "filters": filter(["label": [.text(ReplicaLabels.replica)]])])
        guard case .list(let items) = try answer.value(keeping: ContainerRecord.fields) else {
            throw EngineError(.garbled, "what \(engine.address) says of its containers is no list")
        }
        let records = items.compactMap { ContainerRecord($0, settings: settings) }
        return (records, answer.date ?? records.map(\.createdAt).max() ?? 0)
    }

    public func observe() async throws(TargetError) -> [ObservedReplica] {
        try await asked("the replicas at \(engine.address) can't be listed") { () async throws(EngineError) in
            let (records, now) = try await containers()
            var replicas: [ObservedReplica] = []
            for record in records {
                if let replica = try await observed(record, now) { replicas.append(replica) }
            }
            let there = Set(records.map(\.engineID))
            endings.withLock { $0 = $0.filter { there.contains($0.key) } }
            return replicas
        }
    }

    private func observed(_ record: ContainerRecord, _ now: Int64) async throws(EngineError) -> ObservedReplica? {
        guard let owner = record.owner, !record.isUnfinished else { return nil }
        var replica = ObservedReplica(id: record.id, owner: owner, state: .running, address: record.address)
        switch record.stage {
        case .going: return nil
        case .running: replica.startedAt = record.createdAt * 1_000_000_000
        case .made where record.createdAt >= now - Self.startSeconds: replica.state = .starting
        case .made:
            replica.state = .ended(.init(lastWords: "its container was made, and nobody started it"))
        case .ended:
            guard let ending = try await ending(of: record) else { return nil }
            replica.startedAt = record.createdAt * 1_000_000_000
            replica.state = .ended(ending)
        }
        return replica
    }

    /// Nil where it is gone meanwhile.
    private func ending(of record: ContainerRecord) async throws(EngineError) -> ObservedReplica.Ending? {
        if let known = endings.withLock({ $0[record.engineID] }) { return known }
        let path = "/containers/\(record.engineID)"
        let inspected = try await unlessMissing { () async throws(EngineError) in
            try await engine.call(.get, "\(path)/json").value(keeping: ["State"])["State"]
        }
        guard let state = inspected else { return nil }
        var ending = Self.ending(state)
        // A log that can't be read is no reason to know nothing of how it ended.
        let log = try await unless({ $0.kind != .unreachable }) { () async throws(EngineError) in
            try await engine.call(.get, "\(path)/logs", ["stdout": "true", "stderr": "true", "tail": "200"])
        }
        if let log { ending.lastWords = (try? Self.lastWords(log.bytes)) ?? "" }
        if let reason = state["Error"].text, !reason.isEmpty, ending.lastWords.isEmpty { ending.lastWords = reason }
        let known = ending
        endings.withLock { $0[record.engineID] = known }
        return known
    }

    /// Engines say 128 and the signal's number for what a signal ended.
    static func ending(_ state: EngineValue) -> ObservedReplica.Ending {
        var ending = ObservedReplica.Ending(
            ranOutOfMemory: state["OOMKilled"].isTrue,
            at: state["FinishedAt"].text.flatMap { EngineTime.nanoseconds(of: $0) })
        if let code = state["ExitCode"].integer {
            if (129...192).contains(code) { ending.signal = Int(code) - 128 } else { ending.code = Int(code) }
        }
        return ending
    }

    /// The last lines that fit, whole ones.
    static func lastWords(_ log: [UInt8]) throws(EngineError) -> String {
        var frames = LogFrames()
        let bytes = try frames.add(log[...]).flatMap(\.bytes)
        var last = bytes.suffix(lastWordsLimit)
        if last.count < bytes.count, let line = last.firstIndex(of: UInt8(ascii: "\n")), line + 1 < last.endIndex {
            last = last[(line + 1)...]
        }
        // A letter that was cut becomes a longer one.
        var text = String(decoding: last, as: UTF8.self)
        while text.utf8.count > lastWordsLimit { text.removeFirst() }
        return text
    }
}
