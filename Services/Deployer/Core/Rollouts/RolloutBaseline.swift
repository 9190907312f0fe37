/// What a rollout keeps in its row beside what callers see: how requests were divided before it, and what its new revision
/// had counted when its step began.
struct RolloutBaseline: Equatable, Sendable {
    /// Of one router, since it began.
    struct Counters: Equatable, Sendable {
        var requests: Int64 = 0
        var failures: Int64 = 0
        var latencies: [Int64] = []
    }

    var base: [Share]
    var routers: [String: Counters]

    /// What came since then, from all routers. One that counts less than it did has begun again.
    func sample(_ now: [String: Counters]) -> RevisionSample {
        var sample = RevisionSample()
        for (router, counters) in now {
            var before = routers[router] ?? Counters()
            if counters.requests < before.requests { before = Counters() }
            sample.requests += counters.requests - before.requests
            sample.failures += max(0, counters.failures - before.failures)
            for (index, count) in counters.latencies.enumerated() {
                while sample.latencies.count <= index { sample.latencies.append(0) }
                let earlier = index < before.latencies.count ? before.latencies[index] : 0
                sample.latencies[index] += max(0, count - earlier)
            }
        }
        return sample
    }

    // Lines: `share REVISION PERCENT`, `router ID REQUESTS FAILURES LATENCIES…`.

    var bytes: [UInt8] {
        var lines = base.map { "share \($0.revision) \($0.percent)" }
        for (router, counters) in routers.sorted(by: { $0.key < $1.key }) {
            let numbers = [counters.requests, counters.failures] + counters.latencies
            lines.append("router \(router) " + numbers.map(String.init).joined(separator: " "))
        }
        return Array(("begun\n" + lines.joined(separator: "\n")).utf8)
    }

    /// Nil where the rollout was not taken up yet, or by something that wrote it otherwise.
    init?(bytes: [UInt8]) {
        let lines = String(decoding: bytes, as: UTF8.self).split(separator: "\n")
        guard lines.first == "begun" else { return nil }
        self.init(base: [], routers: [:])
        for line in lines.dropFirst() {
            let words = line.split(separator: " ")
            if words.first == "share", words.count == 3, let revision = Int(words[1]), let percent = Int(words[2]) {
                base.append(Share(revision: revision, percent: percent))
            } else if words.first == "router", words.count >= 4 {
                let numbers = words.dropFirst(2).compactMap { Int64($0) }
                guard numbers.count == words.count - 2 else { return nil }
                routers[String(words[1])] = Counters(
                    requests: numbers[0], failures: numbers[1], latencies: Array(numbers.dropFirst(2)))
            } else {
                return nil
            }
        }
    }

    init(base: [Share], routers: [String: Counters]) {
        self.base = base
        self.routers = routers
    }
}
