public import ServiceKit

/// What is counted of deliveries.
public struct RelayMetrics: Sendable {
    let delivered: Counter
    let failed: Counter
    let dead: Counter
    let writeFailures: Counter
    let flying: Gauge
    let subscriptions: Gauge
    let openCircuits: Gauge
    let lag: Gauge

    /// Once per registry: metrics have names of their own.
    public init(_ registry: MetricsRegistry) {
        delivered = registry.counter("slipway_events_delivered_total", "Events that a receiver took.")
        failed = registry.counter("slipway_events_failed_attempts_total", "Attempts at delivery that failed.")
        dead = registry.counter("slipway_events_dead_letters_total", "Events that were given up.")
        writeFailures = registry.counter(
            "slipway_events_write_failures_total", "Times that how far deliveries are could not be written.")
        flying = registry.gauge("slipway_events_deliveries_under_way", "Attempts at delivery under way.")
        subscriptions = registry.gauge("slipway_events_subscriptions", "Subscriptions that this instance works on.")
        openCircuits = registry.gauge(
            "slipway_events_open_circuits", "Subscriptions whose receiver is left alone for a while.")
        lag = registry.gauge(
            "slipway_events_lag_seconds", "How long ago the event happened that was delivered last.")
    }
}
