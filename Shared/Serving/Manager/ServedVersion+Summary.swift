import AdapterContracts
import Protobuf
import Synchronization

extension ServedVersion {
    func summary(versions: [Int64]) -> ModelSummary {
        let description = model.description
        var facts = description.facts.sorted { $0.key < $1.key }.map { (name: $0.key, value: $0.value) }
        facts.append((name: "execution", value: executionFact))
        facts.append((name: "instances", value: instancesFact))
        if signature.batches { facts.append((name: "batching", value: batchingFact)) }
        if !description.formatVersion.isEmpty {
            facts.append((name: "format_version", value: description.formatVersion))
        }
        var summary = ModelSummary(
            name: name, version: version, versions: versions, adapter: adapter, format: description.format,
            interface: isDocument ? .document : .tensors, inputs: signature.inputs, outputs: signature.outputs,
            batches: signature.batches, largestBatch: signature.largestBatch, facts: facts)
        summary.inputSchema = description.inputSchema
        summary.outputSchema = description.outputSchema
        summary.inputSample = description.inputSample
        summary.outputSample = description.outputSample
        if !description.outputMediaType.isEmpty { summary.outputMediaType = description.outputMediaType }
        return summary
    }

    private var executionFact: String {
        let measured = cost.nanoseconds(size: 1).map { "\(($0 + 500) / 1000) µs measured for the smallest request" }
        let seen = measured ?? "not measured yet"
        switch settings.place {
        case .inline: return "on the event loop, as configured; \(seen)"
        case .pool: return "on the pool, as configured; \(seen)"
        case .automatic:
            let limit = "the limit is \(inlineLimitNanoseconds / 1000) µs"
            return isInline(size: 1) ? "on the event loop: \(seen), \(limit)" : "on the pool: \(seen), \(limit)"
        }
    }

    private var instancesFact: String {
        let threads = isAsynchronous.load(ordering: .relaxed) ? ", which complete on threads of the adapter's" : ""
        return instances.isUnlimited
            ? "one, which takes several requests at once" : "\(instances.places) at once\(threads)"
    }

    private var batchingFact: String {
        let policy = settings.batching
        guard policy.joins else { return "off; the model takes batches" }
        let preferred = policy.preferred.isEmpty ? "" : ", preferred \(policy.preferred)"
        return "up to \(policy.largest) rows\(preferred), waiting at most \(policy.delay)"
    }

    func readStatistics(wallOffset: Int64) -> ModelStatistics {
        var read = ModelStatistics(name: name, version: version)
        statistics.read(into: &read)
        if let last = statistics.lastRequest {
            read.lastInferenceMilliseconds = UInt64(max(0, (last.nanoseconds + wallOffset) / 1_000_000))
        }
        return read
    }
}
