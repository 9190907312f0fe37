import CommandLineKit
import Contracts
import Protobuf

/// How replicas run, by the flags.
enum ReplicaFlags {
    typealias Settings = Slipway.Deployments.V1.ReplicaSettings

    static let variables = Flag.pairs("env", "a variable of the process")
    static let secretVariables = Flag.pairs(
        "secret-env", "a variable whose value is a secret of the workspace: VARIABLE=NAME-OF-THE-SECRET")
    static let unset = Flag.list("unset", "VARIABLE", "a variable of the revision before that is to go")
    static let cpu = Flag.cores("cpu", "what a replica gets: 0.5 (0.1)")
    static let memory = Flag.size("memory", "what a replica gets: 1GB (512MiB)")
    static let gpus = Flag.integer("gpus", "COUNT", in: 0...1024, "GPUs of a replica (0)")
    static let concurrency = Flag.integer(
        "concurrency", "COUNT", in: 1...100_000, "requests that a replica takes at once (1)")
    static let timeout = Flag.brief("request-timeout", "how long a request may take (60s)")
    static let queueWait = Flag.brief("queue-wait", "how long a request may wait for a free replica (500ms)")
    static let startTimeout = Flag.brief("start-timeout", "how long a replica may take until it is ready (310s)")
    static let probePeriod = Flag.brief("probe-period", "how often a replica is asked whether it lives (10s)")
    static let probeTimeout = Flag.brief("probe-timeout", "how long it may take to answer that (2s)")
    static let probeFailures = Flag.integer(
        "probe-failures", "COUNT", in: 1...1000, "so many missing answers in a row end it (3)")

    static let all = [
        variables.specification, secretVariables.specification, cpu.specification, memory.specification,
        gpus.specification, concurrency.specification, timeout.specification, queueWait.specification,
        startTimeout.specification, probePeriod.specification, probeTimeout.specification,
        probeFailures.specification,
    ]

    /// What is said, on top of what there is.
    /// - Returns: nil where nothing is said.
    static func settings(_ values: Values, on before: Settings = Settings()) -> Settings? {
        var settings = before
        for name in values[unset] {
            settings.variables[name] = nil
            settings.secretVariables[name] = nil
        }
        for (name, value) in values[variables] {
            settings.variables[name] = value
            settings.secretVariables[name] = nil
        }
        for (name, secret) in values[secretVariables] {
            settings.secretVariables[name] = secret
            settings.variables[name] = nil
        }
        if let cpu = values[cpu] { settings.cpuMillis = cpu }
        if let memory = values[memory] { settings.memoryBytes = memory }
        if let gpus = values[gpus] { settings.gpus = Int32(gpus) }
        if let concurrency = values[concurrency] { settings.concurrency = Int32(concurrency) }
        if let timeout = values[timeout] { settings.timeout = .init(timeout) }
        if let queueWait = values[queueWait] { settings.queueWait = .init(queueWait) }
        if let startTimeout = values[startTimeout] { settings.startTimeout = .init(startTimeout) }
        var probe = settings.liveness ?? .init()
        if let period = values[probePeriod] { probe.period = .init(period) }
        if let timeout = values[probeTimeout] { probe.timeout = .init(timeout) }
        if let failures = values[probeFailures] { probe.failures = Int32(failures) }
        if probe != settings.liveness ?? .init() { settings.liveness = probe }
        return isSaid(values) ? settings : nil
    }

    /// Whether any of the flags is there, be it to say what holds already.
    static func isSaid(_ values: Values) -> Bool {
        (all + [unset.specification]).contains { values.has($0) }
    }
}
