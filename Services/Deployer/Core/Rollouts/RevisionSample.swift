/// What a revision's requests were like for a while, from all routers.
struct RevisionSample: Equatable, Sendable {
    var requests: Int64 = 0
    var failures: Int64 = 0
    /// How many took how long: bounds are 2^(i/4) · 0.1 ms, the last without an end.
    var latencies: [Int64] = []

    var errorRate: Double { requests > 0 ? Double(failures) / Double(requests) : 0 }

    /// The latency in milliseconds that this part of the requests stays under: within a bucket it is taken as even. Nil where
    /// nothing was measured.
    func latency(_ part: Double) -> Double? {
        let total = latencies.reduce(0, +)
        guard total > 0 else { return nil }
        let goal = Double(total) * part
        var before = 0.0
        for (index, count) in latencies.enumerated() where count > 0 {
            let after = before + Double(count)
            if after >= goal {
                let upper = RevisionSample.bound(index)
                let lower = index == 0 ? 0 : RevisionSample.bound(index - 1)
                return lower + (upper - lower) * max(0, goal - before) / Double(count)
            }
            before = after
        }
        return nil
    }

    /// The upper bound of a bucket in milliseconds.
    static func bound(_ index: Int) -> Double {
        // Quarters of a doubling, exact without a mathematics library.
        let quarters = [1.0, 1.189_207_115_002_721, 1.414_213_562_373_095, 1.681_792_830_507_429]
        return Double(sign: .plus, exponent: min(index / 4, 60), significand: 0.1 * quarters[index % 4])
    }
}

extension RolloutRules.Gate {
    /// Why it does not hold; nil where it does, or where there is too little to judge by.
    func objection(to sample: RevisionSample, of revision: Int) -> String? {
        guard sample.requests >= requests else { return nil }
        let value: Double
        switch measure {
        case .errorRate: value = sample.errorRate
        case .latencyP50: value = sample.latency(0.5) ?? 0
        case .latencyP99: value = sample.latency(0.99) ?? 0
        }
        guard value > maximum else { return nil }
        let among = "\(sample.requests) requests to revision \(revision)"
        switch measure {
        case .errorRate:
            let part = Plainly.percent(value)
            return "\(sample.failures) of \(among) failed: \(part), more than the \(Plainly.percent(maximum)) allowed"
        case .latencyP50, .latencyP99:
            let of = measure == .latencyP50 ? "half" : "99 of 100"
            return "\(of) of \(among) stayed under \(Plainly.number(value)) ms only, and "
                + "\(Plainly.number(maximum)) ms are allowed"
        }
    }
}

/// Numbers for people.
enum Plainly {
    /// With one decimal where it matters.
    static func number(_ value: Double) -> String {
        guard value.isFinite, abs(value) < 1e15 else { return "\(value)" }
        let tenths = (value * 10).rounded()
        if abs(value) > 0, abs(value) < 0.95 {
            let thousandths = Int64((value * 1000).rounded())
            let digits = String(abs(thousandths) + 1000).dropFirst()
            return "\(value < 0 ? "-" : "")0.\(digits)".trimmingZeros
        }
        let whole = Int64(tenths) / 10
        let rest = abs(Int64(tenths) % 10)
        return rest == 0 ? "\(whole)" : "\(whole).\(rest)"
    }

    static func percent(_ part: Double) -> String { number(part * 100) + " %" }
}

extension String {
    fileprivate var trimmingZeros: String {
        var text = Substring(self)
        while text.hasSuffix("0") { text = text.dropLast() }
        return text.hasSuffix(".") ? String(text.dropLast()) : String(text)
    }
}
