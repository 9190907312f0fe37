import Protobuf

/// How a model lies in a folder.
enum ModelFolder {
    /// A folder's own configuration. A file's is `FILE.slipway.json` beside it.
    static let configurationName = "slipway.json"
    static let warmupName = "warmup"

    static func isConfiguration(_ file: String) -> Bool { file == configurationName || file.hasSuffix(".slipway.json") }

    static func single(
        file: String, in folder: String, name: String, _ base: ModelConfiguration
    ) -> DesiredVersion {
        let beside = "\(folder)/\(file).slipway.json"
        var version = DesiredVersion(
            name: name, version: 1, folder: folder, file: file, fingerprint: 0, configuration: base)
        version.fingerprint = Files.fingerprint(of: ["\(folder)/\(file)", beside])
        read([beside], into: &version)
        return version
    }

    /// A model's versions: its folders with numbers for names, or the folder itself as version 1.
    static func versions(in folder: String, name: String, _ base: ModelConfiguration) -> [DesiredVersion] {
        let entries = (try? Files.list(folder)) ?? []
        let numbers = entries.compactMap { entry -> Int64? in
            guard let number = Int64(entry), number >= 0, "\(number)" == entry else { return nil }
            return Files.kind(of: "\(folder)/\(entry)") == .folder ? number : nil
        }
        let own = "\(folder)/\(configurationName)"
        var model = DesiredVersion(name: name, version: 1, folder: folder, configuration: base)
        read([own], into: &model)
        guard !numbers.isEmpty else {
            model.fingerprint = Files.fingerprint(of: [folder])
            return [model]
        }
        return model.configuration.versions.choose(of: numbers).map { number in
            var version = model
            version.version = number
            version.folder = "\(folder)/\(number)"
            version.fingerprint = Files.fingerprint(of: [version.folder, own])
            read(["\(version.folder)/\(configurationName)"], into: &version)
            return version
        }
    }

    private static func read(_ files: [String], into version: inout DesiredVersion) {
        for file in files where Files.kind(of: file) == .file {
            do throws(ServingError) {
                version.configuration = try ModelConfiguration(
                    json: Files.read(file)[...], base: version.configuration)
            } catch {
                version.fault = ServingError(.unloadable, "\(file): \(error.message)")
            }
        }
        if version.file.isEmpty { version.file = version.configuration.file }
    }

    /// The samples of a version: those in its folder, or else those of the model, beside its versions.
    static func samples(of version: DesiredVersion) throws(ServingError) -> [Sample] {
        let (model, _) = Files.split(version.folder)
        var folders = ["\(version.folder)/\(warmupName)"]
        if "\(version.version)" == Files.split(version.folder).last { folders.append("\(model)/\(warmupName)") }
        for folder in folders where Files.kind(of: folder) == .folder {
            var samples: [Sample] = []
            for file in try Files.list(folder) where file.hasSuffix(".json") && !file.hasPrefix(".") {
                samples.append(try Sample(name: file, json: Files.read("\(folder)/\(file)")[...]))
            }
            return samples
        }
        return []
    }
}
