import DeployerRouter
import HTTP
import ServiceKit

/// What the router shows of itself: the deployments' numbers are the deployer's to show.
enum RouterMetrics {
    static func register(in metrics: MetricsRegistry, _ router: Router, _ server: HTTPServer) {
        metrics.gauge("slipway_router_connections", "Connections of callers.") {
            Double(server.statistics.openConnections)
        }
        metrics.gauge("slipway_router_replica_connections", "Connections to replicas.") {
            Double(router.statistics.openConnections)
        }
        metrics.gauge("slipway_router_requests_in_flight", "Requests that are being answered.") {
            Double(server.statistics.openStreams)
        }
        metrics.gauge("slipway_router_deployments", "Deployments that requests are led to.") {
            Double(router.table.count)
        }
        let labels = ["deployment", "revision"]
        metrics.counters("slipway_router_requests_total", "Requests that were answered.", labels: labels) {
            router.counted { Double($0.requests) }
        }
        metrics.counters("slipway_router_failures_total", "Requests that failed for a reason of ours.", labels: labels)
        {
            router.counted { Double($0.failures) }
        }
        metrics.counters("slipway_router_refusals_total", "Requests that the router refused.", labels: labels) {
            router.counted { Double($0.refusals) }
        }
        metrics.gauges("slipway_router_waiting", "Requests that wait for a replica.", labels: labels) {
            router.counted { Double($0.waiting) }
        }
    }
}
