import AdapterContracts
import Glibc
import HTTP
import Loop
import Serving
import ServiceKit
import Synchronization

/// The adapters and the manager of this process, made from its settings.
struct ModelShelf: Sendable {
    let manager: ModelManager
    let adapters: AdapterDirectory
    private let threads: [ComputePool]

    /// - Throws: `ConfigurationError` where nothing is to be served, `LoopError` where the machine gives no threads.
    static func make(
        _ environment: ServiceEnvironment<ScorerSettings>, onEvent: @escaping @Sendable (ModelManager.Event) -> Void
    ) throws -> ModelShelf {
        let settings = environment.settings
        let logger = environment.logger
        let adapters = AdapterDirectory(
            folders: folders(settings.adapters),
            log: { name, level, line in
                let level: LogLevel =
                    switch level {
                    case .debug: .debug
                    case .info: .info
                    case .warning: .warning
                    case .error: .error
                    }
                logger.log(level, line, ["adapter": .string(name)])
            })
        for adapter in adapters.adapters {
            guard case .failure(let error) = adapter.framework else { continue }
            logger.error("an adapter cannot be used", ["adapter": .string(adapter.name), "error": .string("\(error)")])
        }
        let source = try source(settings, environment.arguments)
        let pool = ComputePool(
            threads: settings.threads > 0 ? settings.threads : environment.loops.loops.count, queueLimit: .max,
            name: "scoring")
        let files = ComputePool(threads: 1, name: "models")
        try pool.start()
        try files.start()
        var configuration = ModelManager.Configuration()
        configuration.control = ModelManager.Configuration.Control(rawValue: settings.control.rawValue) ?? .all
        configuration.loadsMax = max(1, settings.loads)
        let trials = Trials(settings.trial)
        let manager = ModelManager(
            configuration, source: source, adapters: adapters, loops: environment.loops.loops, pool: pool, files: files,
            trial: settings.trial == .never ? nil : trials.run, onEvent: onEvent)
        trials.serves(manager)
        return ModelShelf(manager: manager, adapters: adapters, threads: [pool, files])
    }

    /// Where adapters are looked for: what the settings say, else as the program is installed, else as it is built.
    private static func folders(_ configured: [String]) -> [String] {
        guard configured.isEmpty else { return configured }
        if let named = ProcessEnvironment.variables["SLIPWAY_ADAPTERS"], !named.isEmpty {
            return named.split(separator: ":").map(String.init)
        }
        var path = [CChar](repeating: 0, count: 4096)
        let count = readlink("/proc/self/exe", &path, path.count - 1)
        guard count > 0 else { return [] }
        let program = String(decoding: path[..<count].map { UInt8(bitPattern: $0) }, as: UTF8.self)
        let folder = program.lastIndex(of: "/").map { String(program[..<$0]) } ?? "."
        return ["\(folder)/../lib/slipway/adapters", folder]
    }

    private static func source(_ settings: ScorerSettings, _ paths: [String]) throws -> any ModelSource {
        let base = settings.defaults.configuration
        let interval = settings.watch > .zero ? settings.watch : nil
        guard settings.name.isEmpty || paths.count == 1 else {
            throw ConfigurationError(["name names the model at one path; \(paths.count) paths are given"])
        }
        var sources: [any ModelSource] = paths.map {
            PathSource($0, name: settings.name.isEmpty ? nil : settings.name, base: base, interval: interval)
        }
        if !settings.models.isEmpty { sources.append(FolderSource(settings.models, base: base, interval: interval)) }
        guard !sources.isEmpty else {
            throw ConfigurationError(["nothing to serve: give the path of a model, or --models with a folder of them"])
        }
        return JoinedSource(sources)
    }
}

/// When models are tried in a process of their own.
final class Trials: Sendable {
    private let setting: ScorerSettings.Trial
    private let manager = Lock<ModelManager?>(nil)

    init(_ setting: ScorerSettings.Trial) { self.setting = setting }

    func serves(_ manager: ModelManager) { self.manager.withLock { $0 = manager } }

    /// A model that would take others down with it is tried; one that is alone would only be loaded twice.
    @Sendable
    func run(
        _ choice: AdapterChoice, _ request: Slipway.Adapter.V1.LoadRequest, _ limit: Duration
    ) throws(ServingError) {
        if setting == .auto {
            let manager = manager.withLock { $0 }
            let hasOthers = manager?.list().contains { $0.state == .ready || $0.name != request.name } ?? false
            guard hasOthers else { return }
        }
        var trial = LoadTrial()
        trial.timeLimit = limit
        try trial.run(library: choice.found.path, options: choice.found.options, load: request)
    }
}
