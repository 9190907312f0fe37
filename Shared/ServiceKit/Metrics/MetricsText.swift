/// The text formats that scrapers read.
public enum MetricsFormat: Sendable, Equatable {
    /// Prometheus's text format 0.0.4.
    case prometheus
    /// OpenMetrics 1.0.
    case openMetrics

    public var contentType: String {
        switch self {
        case .prometheus: "text/plain; version=0.0.4; charset=utf-8"
        case .openMetrics: "application/openmetrics-text; version=1.0.0; charset=utf-8"
        }
    }

    /// What an `Accept` header prefers; the older format where it says nothing.
    public init(accept: String?) {
        func quality(_ type: String) -> Double {
            var best = 0.0
            for part in (accept ?? "").split(separator: ",") {
                let pieces = part.split(separator: ";").map { $0.filter { $0 != " " }.lowercased() }
                guard pieces.first == type else { continue }
                let stated = pieces.first { $0.hasPrefix("q=") }.flatMap { Double($0.dropFirst(2)) }
                best = max(best, stated ?? 1)
            }
            return best
        }
        let open = quality("application/openmetrics-text")
        self = open > 0 && open >= quality("text/plain") ? .openMetrics : .prometheus
    }
}

extension MetricsRegistry {
    /// Every metric, as a scraper reads it.
    public func text(_ format: MetricsFormat) -> String {
        var text = ""
        for entry in all {
            let description = entry.description
            // OpenMetrics names a counter's family without the suffix that its samples have.
            var family = description.name
            if format == .openMetrics, description.kind == .counter { family.removeLast("_total".count) }
            text += "# HELP \(family) \(escapeHelp(description.help))\n# TYPE \(family) \(description.kind.rawValue)\n"
            for sample in entry.samples() { append(sample, description, to: &text) }
        }
        return format == .openMetrics ? text + "# EOF\n" : text
    }

    private func append(_ sample: MetricSample, _ description: MetricDescription, to text: inout String) {
        let labels = zip(description.labels, sample.labels).map { "\($0)=\"\(escapeLabel($1))\"" }
        func line(_ suffix: String, _ extra: String?, _ value: String) {
            let all = labels + (extra.map { [$0] } ?? [])
            text += "\(description.name)\(suffix)\(all.isEmpty ? "" : "{\(all.joined(separator: ","))}") \(value)\n"
        }
        switch sample.value {
        case .integer(let value): line("", nil, "\(value)")
        case .double(let value): line("", nil, number(value))
        case .histogram(let bounds, let cumulative, let sum):
            for (bound, count) in zip(bounds, cumulative) { line("_bucket", "le=\"\(number(bound))\"", "\(count)") }
            let count = cumulative.last ?? 0
            line("_bucket", "le=\"+Inf\"", "\(count)")
            line("_sum", nil, number(sum))
            line("_count", nil, "\(count)")
        }
    }

    private func number(_ value: Double) -> String {
        if value.isNaN { return "NaN" }
        if value.isInfinite { return value < 0 ? "-Inf" : "+Inf" }
        return "\(value)"
    }

    private func escapeLabel(_ value: String) -> String { escape(value, quotes: true) }
    private func escapeHelp(_ value: String) -> String { escape(value, quotes: false) }

    private func escape(_ value: String, quotes: Bool) -> String {
        guard value.utf8.contains(where: { $0 == 0x5c || $0 == 0x0a || $0 == 0x22 }) else { return value }
        var escaped = ""
        for scalar in value.unicodeScalars {
            switch scalar {
            case "\\": escaped += "\\\\"
            case "\n": escaped += "\\n"
            case "\"" where quotes: escaped += "\\\""
            default: escaped.unicodeScalars.append(scalar)
            }
        }
        return escaped
    }
}
