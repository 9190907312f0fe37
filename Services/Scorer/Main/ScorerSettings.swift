import ScorerCore
import Serving
import ServiceKit

/// What the scorer can be told.
struct ScorerSettings: ConfigurationSection {
    enum Control: String, ConfigurationChoice { case all, source, explicit }
    enum Trial: String, ConfigurationChoice { case auto, always, never }

    var models = ""
    var name = ""
    var control = Control.all
    var watch = Duration.seconds(2)
    var loads = 2
    var trial = Trial.auto
    var listen = "127.0.0.1:8080"
    var port: UInt16?
    var tls = TLSSettings()
    var messageLimit = ByteCount(64 * 1024 * 1024)
    var threads = 0
    var adapters: [String] = []
    var quiet = false
    var defaults = ModelDefaults()
    var scoring = ScoringSettings()
    var access = AccessSettings()
    var service = KitSettings()

    static func describe(_ keys: inout ConfigurationKeys<ScorerSettings>) {
        keys.add("models", \.models, "a folder of models: NAME/VERSION/..., NAME/..., or NAME.ending")
        keys.add("name", \.name, "the name of the model at the one path given; none, the file's or folder's")
        keys.add(
            "control", \.control,
            "all: everything is served, and callers may load and unload; source: callers may not; explicit: only what callers load"
        )
        keys.add("watch", \.watch, "how often the models' files are looked at; 0s, only when a caller loads")
        keys.add("loads", \.loads, "models that load at the same time")
        keys.add("trial", \.trial, "try each model in another process first; auto: where others are served here")
        keys.add("listen", \.listen, "where requests are taken: host:port, or unix:/path")
        keys.add("port", \.port, "the port alone, on the host of listen; 0, a free one")
        keys.add("tls", \.tls)
        keys.add("message_limit", \.messageLimit, "the largest request")
        keys.add("threads", \.threads, "threads for models that are too slow for an event loop; 0, one for each core")
        keys.add(
            "adapters", \.adapters,
            "folders of adapters; none: ../lib/slipway/adapters beside the program, and the program's own folder")
        keys.add("quiet", \.quiet, "do not print addresses and an example")
        keys.add("defaults", \.defaults)
        keys.add("scoring", \.scoring)
        keys.add("access", \.access)
        keys.add("service", \.service)
    }
}

/// What holds for models whose own configuration says nothing.
struct ModelDefaults: ConfigurationSection {
    enum Execution: String, ConfigurationChoice { case auto, inline, pool }

    var execution = Execution.auto
    var inlineLimit = Duration.microseconds(50)
    var instances = 0
    var concurrency = 0
    var threads = 0
    var timeout = Duration.seconds(60)
    var queueLimit = 1000
    var queueWait: Duration?
    var batching = false
    var batchLimit = 64
    var batchDelay = Duration.zero
    var loadTimeout = Duration.seconds(300)

    static func describe(_ keys: inout ConfigurationKeys<ModelDefaults>) {
        keys.add("execution", \.execution, "where models execute: on the event loop, on the pool, or auto: as measured")
        keys.add("inline_limit", \.inlineLimit, "the longest that an event loop executes")
        keys.add("instances", \.instances, "instances of a model; 0, one for each core")
        keys.add("concurrency", \.concurrency, "executions of a model at once; 0, as many as its instances take")
        keys.add("threads", \.threads, "threads of one execution; 0, the adapter's choice")
        keys.add("timeout", \.timeout, "how long a request may take")
        keys.add("queue_limit", \.queueLimit, "requests that may wait for a model")
        keys.add("queue_wait", \.queueWait, "how long a request may wait; none, as long as it may take")
        keys.add("batching", \.batching, "join requests of models that take batches")
        keys.add("batch_limit", \.batchLimit, "rows of a joined batch")
        keys.add("batch_delay", \.batchDelay, "how long a request may wait for others to join")
        keys.add("load_timeout", \.loadTimeout, "how long a model may take to load")
    }

    var configuration: ModelConfiguration {
        var configuration = ModelConfiguration()
        configuration.loadTimeout = loadTimeout
        configuration.execution.place = ExecutionSettings.Place(rawValue: execution.rawValue) ?? .automatic
        configuration.execution.inlineLimit = inlineLimit
        configuration.execution.instances = max(0, instances)
        configuration.execution.concurrency = max(0, concurrency)
        configuration.execution.threads = max(0, threads)
        configuration.execution.timeout = timeout
        configuration.execution.queueWait = queueWait
        configuration.execution.batching.joins = batching
        configuration.execution.batching.largest = max(1, batchLimit)
        configuration.execution.batching.delay = batchDelay
        configuration.execution.batching.limit = max(0, queueLimit)
        return configuration
    }
}
