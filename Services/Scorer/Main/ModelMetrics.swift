import Serving
import ServiceKit

/// The models' figures for whoever scrapes.
enum ModelMetrics {
    static func register(in metrics: MetricsRegistry, _ serving: any InferenceServing) {
        let labels = ["model", "version"]
        func counter(_ name: String, _ help: String, _ value: @escaping @Sendable (ModelStatistics) -> Double) {
            metrics.counters("slipway_scorer_\(name)", help, labels: labels) {
                ((try? serving.statistics(of: nil)) ?? []).map {
                    (values: [$0.name, "\($0.version)"], value: value($0))
                }
            }
        }
        metrics.counters(
            "slipway_scorer_requests_total", "Requests by how they ended.", labels: labels + ["outcome"]
        ) {
            ((try? serving.statistics(of: nil)) ?? []).flatMap { statistics in
                [
                    ("answered", statistics.success), ("failed", statistics.failure),
                    ("cancelled", statistics.cancelled),
                ].map { outcome, sum in
                    (values: [statistics.name, "\(statistics.version)", outcome], value: Double(sum.count))
                }
            }
        }
        counter("rows_total", "Rows that were answered.") { Double($0.inferences) }
        counter("executions_total", "Executions: requests that were joined count once.") { Double($0.executions) }
        counter("queue_seconds_total", "Time that answered requests waited.") { Double($0.queue.nanoseconds) / 1e9 }
        counter("compute_seconds_total", "Time that answered requests were executed.") {
            Double($0.compute.nanoseconds) / 1e9
        }
        metrics.gauges("slipway_scorer_models", "Versions of models by where they stand.", labels: ["state"]) {
            let all = serving.list()
            return VersionState.allCases.map { state in
                (values: [state.rawValue], value: Double(all.count { $0.state == state }))
            }
        }
    }
}
