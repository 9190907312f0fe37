internal import HTTP

extension DockerTarget {
    public func stop(_ id: ReplicaID, grace: Duration) async throws(TargetError) {
        try ContainerName.check(id)
        let path = "/containers/\(ContainerName.final(id))"
        let seconds = max(0, (grace.components.seconds + (grace.components.attoseconds > 0 ? 1 : 0)))
        try await asked("the replica \(id) can't be stopped") { () async throws(EngineError) in
            // The engine counts: a deployer that is killed meanwhile does not leave it half done.
            let stopped = try await unless({ $0.kind != .unreachable }) {
                () async throws(EngineError) in
                try await engine.call(.post, "\(path)/stop", ["t": "\(seconds)"], deadline: .seconds(seconds + 60))
            }
            if stopped == nil {
                // There is none, or it did not end, or the engine does not know that it did: by force then.
                _ = try? await engine.call(.post, "\(path)/kill", ["signal": "SIGKILL"], deadline: .seconds(60))
            }
            try await confirmEnd(id, path)
        }
    }

    /// What was never started is taken away: there is nothing to look at.
    private func confirmEnd(_ id: ReplicaID, _ path: String) async throws(EngineError) {
        let state = try await unlessMissing { () async throws(EngineError) in
            try await engine.call(.get, "\(path)/json").value(keeping: ["State"])["State"]
        }
        switch state?["Status"].text {
        case nil, "exited", "dead", "stopped", "removing": return
        case "created", "configured", "initialized":
            _ = try await unlessMissing { () async throws(EngineError) in
                try await engine.call(.delete, path, ["v": "true"])
            }
        case let status?:
            throw EngineError(.refused(500), "it was ended by force, and the engine calls it \(status) still")
        }
    }

    public func remove(_ id: ReplicaID) async throws(TargetError) {
        try ContainerName.check(id)
        try await asked("the replica \(id) can't be removed") { () async throws(EngineError) in
            do throws(EngineError) {
                try await engine.call(
                    .delete, "/containers/\(ContainerName.final(id))", ["v": "true"], deadline: .seconds(120))
            } catch {
                if error.isMissing || error.isConflict && error.message.contains("in progress") { return }
                // podman's way to say that it runs.
                if error.kind == .refused(500), error.message.contains("running") {
                    throw EngineError(.refused(409), error.message)
                }
                throw error
            }
        }
    }
}
