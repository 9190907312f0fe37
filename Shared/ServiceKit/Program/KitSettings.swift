/// What every service can be told; put it into the service's own settings as `service`.
public struct KitSettings: ConfigurationSection {
    public var logLevel = LogLevel.info
    public var logFormat = LogFormat.automatic
    public var stopGrace = Duration.seconds(30)
    public var traceEndpoint: String?
    public var traceRatio = 0.05
    public var traceAuthorization: Secret?
    public var metricSeriesLimit = 1000

    public init() {}

    public static func describe(_ keys: inout ConfigurationKeys<KitSettings>) {
        keys.add("log_level", \.logLevel, "records below it are not written")
        keys.add("log_format", \.logFormat, "readable, json, or automatic: readable on a terminal")
        keys.add("stop_grace", \.stopGrace, "how long each part may finish what is under way when the service stops")
        keys.add("trace_endpoint", \.traceEndpoint, "an OTLP collector: http://host:4318/v1/traces; none, no traces")
        keys.add("trace_ratio", \.traceRatio, "the share of traces beginning here that is recorded, 0 to 1")
        keys.add("trace_authorization", \.traceAuthorization, "sent to the collector as the authorization header")
        keys.add("metric_series_limit", \.metricSeriesLimit, "series one metric may have; the rest is counted as one")
    }
}
