import Glibc
import HTTP
import Loop

/// What a service gets to wire its parts with.
public struct ServiceEnvironment<Settings: ConfigurationSection>: Sendable {
    public let settings: Settings
    /// Arguments that are no flags, of a service that takes some.
    public let arguments: [String]
    public let build: BuildInformation
    public let loops: LoopGroup
    /// For work that blocks.
    public let pool: ComputePool
    public let logger: Logger
    public let metrics: MetricsRegistry
    public let health: HealthRegistry
    public let tracer: Tracer
}

/// The `main` of a service: reads the configuration, answers `--help` and `--print-config`, and runs the service's parts
/// with logs, metrics, traces and signals until it is told to stop.
public enum ServiceProgram {
    /// The process's exit codes.
    public enum ExitCode: Int32, Sendable {
        case done = 0
        /// A part failed, or did not stop.
        case failed = 1
        /// The configuration was refused.
        case badConfiguration = 2
    }

    /// Runs and exits the process. Call it first thing in a `main` that is not `async`: signals can only be taken from
    /// threads that do not exist yet, and an asynchronous `main` has begun some.
    /// - Parameters:
    ///   - kit: where the service's settings hold what is common to all.
    ///   - arguments: those of the process where nothing is said.
    ///   - takesArguments: whether arguments that are no flags mean something; they are refused where they do not.
    ///   - wire: makes the parts, in the order in which they start.
    public static func main<Settings: ConfigurationSection>(
        _ build: BuildInformation, settings: Settings.Type, kit: KeyPath<Settings, KitSettings> & Sendable,
        arguments: [String]? = nil, takesArguments: Bool = false,
        wire: @escaping @Sendable (ServiceEnvironment<Settings>) async throws -> [any Service]
    ) -> Never {
        ProcessSignals.hold()
        OpenFileLimit.raise()
        let prefix = build.service.uppercased().map { $0 == "-" ? "_" : String($0) }.joined()
        let loaded: LoadedConfiguration<Settings>
        do {
            loaded = try ConfigurationLoader(settings, prefix: prefix).load(
                arguments: arguments ?? Array(CommandLine.arguments.dropFirst()),
                environment: ProcessEnvironment.variables)
        } catch {
            say("\(build.service): the configuration is refused:\n\(error)", to: STDERR_FILENO)
            exit(ExitCode.badConfiguration.rawValue)
        }
        if loaded.wantsHelp {
            say(
                "\(build.service) \(build.version)\n  --config FILE  (\(prefix)_CONFIG)\n  --print-config\n"
                    + loaded.help,
                to: STDOUT_FILENO)
            exit(ExitCode.done.rawValue)
        }
        if loaded.wantsPrint {
            say(loaded.printed, to: STDOUT_FILENO)
            exit(ExitCode.done.rawValue)
        }
        if !loaded.arguments.isEmpty, !takesArguments {
            say(
                "\(build.service): arguments that are no flags mean nothing here: \(loaded.arguments)",
                to: STDERR_FILENO)
            exit(ExitCode.badConfiguration.rawValue)
        }
        Task { exit(await run(build, loaded, kit, wire).rawValue) }
        while true { pause() }
    }

    private static func run<Settings: ConfigurationSection>(
        _ build: BuildInformation, _ loaded: LoadedConfiguration<Settings>,
        _ kit: KeyPath<Settings, KitSettings> & Sendable,
        _ wire: @Sendable (ServiceEnvironment<Settings>) async throws -> [any Service]
    ) async -> ExitCode {
        let common = loaded.value[keyPath: kit]
        let redactor = Redactor()
        redactor.add(loaded.secrets)
        var logConfiguration = LogWriter.Configuration()
        logConfiguration.format = common.logFormat
        let writer = LogWriter(logConfiguration, redactor: redactor)
        let logger = Logger(build.service, writer: writer, level: common.logLevel)
        defer { writer.stop() }
        do {
            try writer.start()
            let loops = try LoopGroup()
            try loops.start()
            let pool = ComputePool(threads: 4)
            try pool.start()
            try await serve(build, loaded, common, loops, pool, logger, writer, wire)
            logger.notice("stopped")
            return .done
        } catch {
            logger.critical("the service ends", ["error": .string("\(error)")])
            return .failed
        }
    }

    private static func serve<Settings: ConfigurationSection>(
        _ build: BuildInformation, _ loaded: LoadedConfiguration<Settings>, _ common: KitSettings, _ loops: LoopGroup,
        _ pool: ComputePool,
        _ logger: Logger, _ writer: LogWriter, _ wire: (ServiceEnvironment<Settings>) async throws -> [any Service]
    ) async throws {
        let metrics = MetricsRegistry(seriesLimit: common.metricSeriesLimit)
        ProcessMetrics.register(in: metrics, build: build)
        metrics.counter("slipway_log_records_dropped_total", "Log records that found no room.") {
            Double(writer.droppedCount)
        }
        var services: [any Service] = []
        var tracer = Tracer.silent
        if let exporter = try makeExporter(build, common, loops, pool) {
            tracer = Tracer(exporter: exporter, ratio: common.traceRatio)
            metrics.counter("slipway_trace_spans_dropped_total", "Spans that no collector got.") {
                Double(exporter.droppedCount)
            }
            services.append(exporter)
        }
        let health = HealthRegistry()
        let environment = ServiceEnvironment(
            settings: loaded.value, arguments: loaded.arguments, build: build, loops: loops, pool: pool, logger: logger,
            metrics: metrics,
            health: health,
            tracer: tracer)
        services += try await wire(environment)
        var configuration = ServiceGroup.Configuration()
        configuration.grace = common.stopGrace
        configuration.signals = ProcessSignals.stop
        configuration.onEvent = { event in
            switch event {
            // Also where a part's end stops the others.
            case .signal, .stopping: health.stopServing()
            default: break
            }
            log(event, logger)
        }
        logger.notice("starts", ["version": .string(build.version), "revision": .string(build.revision)])
        try await ServiceGroup(services, loop: loops.loops[0], configuration: configuration).run()
    }

    private static func makeExporter(
        _ build: BuildInformation, _ common: KitSettings, _ loops: LoopGroup, _ pool: ComputePool
    ) throws -> OTLPExporter? {
        guard let endpoint = common.traceEndpoint else { return nil }
        var export = OTLPExporter.Configuration(endpoint: endpoint)
        if let authorization = common.traceAuthorization { export.fields = [("authorization", authorization)] }
        var client = HTTPClient.Configuration()
        if endpoint.hasPrefix("https:") { client.tls = try TLSContext(TLSConfiguration(), role: .client) }
        return try OTLPExporter(
            export, build: build, client: HTTPClient(loops: loops, resolver: pool, configuration: client),
            loop: loops.loops[0])
    }

    private static func log(_ event: ServiceGroupEvent, _ logger: Logger) {
        switch event {
        case .starting(let name): logger.debug("a part starts", ["name": .string(name)])
        case .started(let name): logger.info("a part has started", ["name": .string(name)])
        case .stopping(let name): logger.info("a part is asked to stop", ["name": .string(name)])
        case .cancelling(let name): logger.warning("a part did not stop and is cancelled", ["name": .string(name)])
        case .ended(let name, let error?):
            logger.error("a part failed", ["name": .string(name), "error": .string(error)])
        case .ended(let name, nil): logger.debug("a part has ended", ["name": .string(name)])
        case .signal(let number): logger.notice("a signal came", ["number": .integer(Int(number))])
        }
    }

    private static func say(_ text: String, to descriptor: Int32) {
        let bytes = Array((text.hasSuffix("\n") ? text : text + "\n").utf8)
        var done = 0
        while done < bytes.count {
            let count = bytes.withUnsafeBytes { buffer in
                buffer.baseAddress.map { write(descriptor, $0 + done, bytes.count - done) } ?? -1
            }
            guard count > 0 else { return }
            done += count
        }
    }
}
