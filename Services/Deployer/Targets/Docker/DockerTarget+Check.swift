internal import CLinux
internal import Glibc
internal import HTTP
internal import OCI

extension DockerTarget {
    public func check() async throws(TargetError) -> TargetFacts {
        let facts: EngineFacts
        let info: EngineValue
        do {
            facts = try await engine.facts()
            info = try await engine.call(.get, "/info").value()
        } catch {
            throw diagnosed(error)
        }
        guard facts.operatingSystem == "linux" else {
            throw TargetError(
                .refused, "\(facts.product) at \(engine.address) runs containers of \(facts.operatingSystem), not Linux"
            )
        }
        if !settings.network.isEmpty {
            let network = settings.network
            let path = "/networks/\(EngineClient.escaped(network))"
            let found = try await asked("\(engine.address)") { () async throws(EngineError) in
                try await unlessMissing { () async throws(EngineError) in try await engine.call(.get, path) }
            }
            guard found != nil else {
                throw TargetError(.refused, "\(facts.product) at \(engine.address) has no network called \(network)")
            }
        }
        let needs = Self.total(info)
        total.withLock { $0 = needs }
        return TargetFacts(
            version: "\(facts.product), \(facts.operatingSystem)/\(facts.architecture)", total: needs,
            remarks: Self.remarks(facts, info))
    }

    /// What the engine has, from memory where it was asked before.
    func knownTotal() async throws(EngineError) -> ReplicaNeeds {
        if let known = total.withLock({ $0 }) { return known }
        let needs = Self.total(try await engine.call(.get, "/info").value())
        total.withLock { $0 = needs }
        return needs
    }

    /// GPUs are what the engine was told that it has: it does not look itself.
    static func total(_ info: EngineValue) -> ReplicaNeeds {
        var gpus = 0
        for resource in info["GenericResources"].items {
            let (named, counted) = (resource["NamedResourceSpec"], resource["DiscreteResourceSpec"])
            if named["Kind"].text?.lowercased().contains("gpu") ?? false { gpus += 1 }
            if counted["Kind"].text?.lowercased().contains("gpu") ?? false {
                gpus += Int(counted["Value"].integer ?? 0)
            }
        }
        return ReplicaNeeds(
            cpuMillis: (info["NCPU"].integer ?? 0) * 1000, memoryBytes: info["MemTotal"].integer ?? 0, gpus: gpus)
    }

    static func remarks(_ facts: EngineFacts, _ info: EngineValue) -> [String] {
        var remarks: [String] = []
        if facts.architecture != Platform.current.architecture, !facts.architecture.isEmpty {
            remarks.append(
                "it runs images for \(facts.architecture); those built on this machine are for \(Platform.current.architecture)"
            )
        }
        if info["MemoryLimit"] == false { remarks.append("its kernel enforces no limits of memory") }
        if info["CpuCfsQuota"] == false { remarks.append("its kernel enforces no limits of CPU") }
        if info["LiveRestoreEnabled"] == false, facts.product.hasPrefix("Docker") {
            remarks.append(
                "replicas end when the engine restarts; \"live-restore\": true in its daemon.json keeps them")
        }
        if info["Runtimes"].members.keys.contains("nvidia"), info["GenericResources"].items.isEmpty {
            remarks.append(
                "it has a runtime for GPUs and does not say how many there are: list them as node-generic-resources in its daemon.json"
            )
        }
        return remarks
    }

    /// Why an engine that is not reached is not: for a socket file that can be seen from here.
    func diagnosed(_ error: EngineError) -> TargetError {
        guard error.kind == .unreachable, case .unix(let path) = engine.address.socket else {
            return error.asTargetError("the engine can't be used")
        }
        var facts = stat()
        guard stat(path, &facts) == 0 else {
            let reason = errno == EACCES ? "its folder may not be looked into by this user" : "there is no such file"
            return TargetError(
                .unreachable, "the socket \(path): \(reason); is an engine installed, and does it run?")
        }
        guard facts.st_mode & S_IFMT == S_IFSOCK else {
            return TargetError(.unreachable, "\(path) is a file, and no socket of an engine")
        }
        guard access(path, R_OK | W_OK) == 0 else {
            return TargetError(
                .unreachable,
                "the socket \(path) may not be used by this user (\(geteuid())): its group is \(facts.st_gid), which the deployer's user has to be in"
            )
        }
        if error.message.contains("Connection refused") {
            return TargetError(.unreachable, "nobody listens at the socket \(path): the engine does not run")
        }
        return error.asTargetError("the engine can't be used")
    }
}
