internal import DeployerTargets
internal import Loop
internal import Protobuf
internal import Secrets

extension Controller {
    /// How often a replica is asked that is not ready yet.
    private static let eager = Duration.milliseconds(50)

    /// Has those asked that are to be ready, or to stay so.
    func prepareProbes(_ deployment: TendedDeployment) {
        guard case .seen(let placed) = views[deployment.record.target]?.of(deployment.id) else { return }
        for row in deployment.record.rows {
            let isStarting = row.state == .starting
            guard isStarting || row.state == .ready else {
                deployment.probes[row.id] = nil
                continue
            }
            let written = deployment.record.replicas[row.id]?.address ?? ""
            let address = isStarting || written.isEmpty ? placed[row.id]?.address ?? "" : written
            guard !address.isEmpty else { continue }
            if let known = deployment.probes[row.id], known.isStarting == isStarting, known.address == address {
                continue
            }
            guard let sealed = deployment.record.replicas[row.id]?.sealedKey,
                let key = try? parts.box.open(sealed, for: SecretBox.replicaKey(row.id))
            else { continue }
            let liveness = deployment.record.revisions[row.revision]?.settings.liveness
            let period = liveness?.period.map(Swift.Duration.init) ?? .seconds(10)
            let now = loop.clock.now
            // Those that are adopted together are not asked together.
            let first = isStarting ? .zero : period * Double.random(in: 0...1)
            deployment.probes[row.id] = ReplicaProbe(
                address: address, key: String(decoding: key, as: UTF8.self), period: max(period, .milliseconds(100)),
                timeout: liveness?.timeout.map(Swift.Duration.init) ?? .seconds(2), due: now.advanced(by: first),
                isStarting: isStarting)
        }
    }

    /// Asks whoever is due, until the task is cancelled.
    func probe() async throws {
        while true {
            let now = loop.clock.now
            var next = now.advanced(by: Controller.eager)
            var isAnyEager = false
            for deployment in tended.values {
                for (id, probe) in deployment.probes where !probe.isUnderWay {
                    isAnyEager = isAnyEager || probe.isStarting
                    guard probe.due <= now else { continue }
                    deployment.probes[id]?.isUnderWay = true
                    Task { await ask(deployment, id, probe) }
                }
            }
            if !isAnyEager { next = now.advanced(by: Controller.eager * 5) }
            try await loop.sleep(for: now.duration(to: next))
        }
    }

    private func ask(_ deployment: TendedDeployment, _ id: ReplicaID, _ probe: ReplicaProbe) async {
        let trouble = await parts.probing.ask(probe.address, key: probe.key, timeout: probe.timeout)
        // Meanwhile it may have become another, or none.
        guard deployment.probes[id]?.isStarting == probe.isStarting else { return }
        deployment.probes[id]?.isUnderWay = false
        var answers = deployment.answers[id] ?? ReplicaAnswers()
        let before = answers
        answers.isReady = trouble == nil
        answers.failures = trouble == nil || probe.isStarting ? 0 : before.failures + 1
        answers.message = trouble ?? ""
        deployment.answers[id] = answers
        let pause = probe.isStarting ? Controller.eager : probe.period
        deployment.probes[id]?.due = loop.clock.now.advanced(by: pause)
        let isNews = probe.isStarting ? answers.isReady && !before.isReady : answers.failures != before.failures
        guard isNews else { return }
        deployment.change()
        bell.ring()
    }
}
