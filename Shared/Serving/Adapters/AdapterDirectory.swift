public import AdapterContracts
import Glibc

/// An adapter that was found: open, or with the error that kept it from it.
public struct FoundAdapter: Sendable {
    /// From the library's file name, in lower case: `xgboost` of `libXGBoostAdapter.so`.
    public var name: String
    public var path: String
    public var options: Slipway.Adapter.V1.AdapterOptions
    public var framework: Result<any ModelFramework, ServingError>

    public init(
        name: String, path: String, options: Slipway.Adapter.V1.AdapterOptions = .init(),
        framework: Result<any ModelFramework, ServingError>
    ) {
        self.name = name
        self.path = path
        self.options = options
        self.framework = framework
    }

    /// Whether a configuration that says `other` means this adapter: its own name or its file's, in any case.
    func isCalled(_ other: String) -> Bool {
        if name == other.lowercased() { return true }
        guard case .success(let framework) = framework else { return false }
        return framework.adapter.name.lowercased() == other.lowercased()
    }
}

/// The adapter that takes a model, and what speaks for it.
public struct AdapterChoice: Sendable {
    public var found: FoundAdapter
    public var framework: any ModelFramework
    public var recognition: Slipway.Adapter.V1.Recognition
}

/// The adapters of a server: all libraries in its folders that are named `lib…Adapter.so`.
///
/// Each is opened once, when the directory is made; one that failed stays listed.
public final class AdapterDirectory: Sendable {
    /// By name.
    public let adapters: [FoundAdapter]

    public init(adapters: [FoundAdapter]) { self.adapters = adapters.sorted { $0.name < $1.name } }

    /// Opens all adapters in some folders. Of two with the same name the one in the earlier folder is taken; folders that
    /// do not exist have none.
    ///
    /// - Parameters:
    ///   - options: what each is opened with, by its name.
    ///   - log: takes lines with the name of the adapter they come from, on any thread.
    public convenience init(
        folders: [String], options: (String) -> Slipway.Adapter.V1.AdapterOptions = { _ in .init() },
        limits: AdapterLimits = AdapterLimits(),
        log: @escaping @Sendable (String, AdapterLogLevel, String) -> Void = { _, _, _ in }
    ) {
        var adapters: [FoundAdapter] = []
        for folder in folders {
            for file in AdapterDirectory.files(in: folder) {
                guard let name = AdapterDirectory.name(ofFile: file), !adapters.contains(where: { $0.name == name })
                else { continue }
                let path = "\(folder)/\(file)"
                let chosen = options(name)
                var found = FoundAdapter(
                    name: name, path: path, options: chosen, framework: .failure(ServingError(.unavailable, "")))
                do throws(ServingError) {
                    let library = try AdapterLibrary(path: path, options: chosen, limits: limits) { level, line in
                        log(name, level, line)
                    }
                    found.framework = .success(library)
                } catch {
                    found.framework = .failure(error)
                }
                adapters.append(found)
            }
        }
        self.init(adapters: adapters)
    }

    /// Finds the adapter for a model's folder.
    ///
    /// - Parameter name: the adapter that the model's configuration asks for; empty to have the adapters look.
    /// - Throws: `unavailable` for a name that no adapter has or that failed to open, `unloadable` where none takes the
    ///   folder, saying what each found.
    public func choose(
        for request: Slipway.Adapter.V1.LoadRequest, named name: String = ""
    ) throws(ServingError) -> AdapterChoice {
        if !name.isEmpty { return try choose(named: name, file: request.file) }
        var best: AdapterChoice?
        var findings: [String] = []
        for found in adapters {
            do throws(ServingError) {
                let framework = try found.framework.get()
                let recognition = try framework.recognise(request)
                findings.append("\(found.name): \(recognition.reason.isEmpty ? "not mine" : recognition.reason)")
                guard recognition.certainty > best?.recognition.certainty ?? 0 else { continue }
                best = AdapterChoice(found: found, framework: framework, recognition: recognition)
            } catch {
                findings.append("\(found.name): \(error.message)")
            }
        }
        if let best { return best }
        throw ServingError(
            .unloadable,
            "no adapter takes \(request.folder)"
                + (findings.isEmpty ? ": there are no adapters" : " (\(findings.joined(separator: "; ")))"))
    }

    private func choose(named name: String, file: String) throws(ServingError) -> AdapterChoice {
        guard let found = adapters.first(where: { $0.isCalled(name) }) else {
            let names = adapters.map(\.name).joined(separator: ", ")
            throw ServingError(
                .unavailable, "there is no adapter \"\(name)\"; there are: \(names.isEmpty ? "none" : names)")
        }
        let recognition = Slipway.Adapter.V1.Recognition(
            certainty: 100, file: file, reason: "the model's configuration asks for it")
        return AdapterChoice(found: found, framework: try found.framework.get(), recognition: recognition)
    }

    /// `xgboost` of `libXGBoostAdapter.so`; nothing for other files.
    static func name(ofFile file: String) -> String? {
        guard file.hasPrefix("lib"), file.hasSuffix("Adapter.so"), file.utf8.count > 13 else { return nil }
        return file.dropFirst(3).dropLast(10).lowercased()
    }

    private static func files(in folder: String) -> [String] {
        guard let stream = opendir(folder) else { return [] }
        defer { closedir(stream) }
        var files: [String] = []
        while let entry = readdir(stream) {
            files.append(
                withUnsafeBytes(of: entry.pointee.d_name) { name in
                    String(decoding: name.prefix { $0 != 0 }, as: UTF8.self)
                })
        }
        return files.sorted()
    }
}
