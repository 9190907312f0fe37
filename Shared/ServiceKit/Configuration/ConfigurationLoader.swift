import Glibc

/// Where a value came from.
public enum ConfigurationOrigin: Sendable, Equatable, CustomStringConvertible {
    case standard
    case file(path: String, line: Int)
    case environment(String)
    case flag(String)
    /// A secret that lies in a file of its own; `by` is the place that named the file.
    indirect case secretFile(String, by: ConfigurationOrigin)

    public var description: String {
        switch self {
        case .standard: "default"
        case .file(let path, let line): "\(path):\(line)"
        case .environment(let name): "environment \(name)"
        case .flag(let name): "flag --\(name)"
        case .secretFile(let path, let origin): "the file \(path), named by \(origin)"
        }
    }
}

/// A configuration with the origins of its values.
public struct LoadedConfiguration<Root: ConfigurationSection>: Sendable {
    public let value: Root
    /// By key: `database.pool_size`. Keys that nobody set are not here.
    public let origins: [String: ConfigurationOrigin]
    /// Arguments that are no flags, in order.
    public let arguments: [String]
    /// Whether `--print-config` was among the flags.
    public let wantsPrint: Bool
    /// Whether `--help` was among the flags.
    public let wantsHelp: Bool
    let keys: [ConfigurationKey<Root>]
    let prefix: String

    /// Every secret in it, so that logs can be kept clean of them.
    public var secrets: [Secret] { keys.flatMap { $0.secrets(value) }.filter { !$0.isEmpty } }

    /// The configuration as a file that says of each value where it came from. Secrets are `****`.
    public var printed: String {
        var lines: [String] = []
        var section = ""
        for key in keys.sectionsLast() {
            let (keySection, name) = key.split
            if keySection != section {
                section = keySection
                lines += ["", "[\(section)]"]
            }
            let text = key.text(value)
            let origin = origins[key.path] ?? .standard
            lines.append("\(text.isEmpty ? "# " : "")\(name) = \(text)  # \(origin)")
        }
        return lines.joined(separator: "\n") + "\n"
    }

    /// What there is to set, with defaults.
    public var help: String {
        let standard = Root()
        var lines: [String] = []
        for key in keys {
            lines.append("  --\(key.path)  (\(ConfigurationLoader<Root>.variable(key.path, prefix)))")
            let text = key.text(standard)
            lines.append("      \(key.help)\(text.isEmpty ? "" : "; default \(text)")")
        }
        return lines.joined(separator: "\n") + "\n"
    }
}

extension ConfigurationKey {
    /// Section and name: `database.pool` and `size`.
    var split: (section: String, name: String) {
        guard let dot = path.lastIndex(of: ".") else { return ("", path) }
        return (String(path[..<dot]), String(path[path.index(after: dot)...]))
    }
}

extension Array {
    /// Keys of the same section together, those of none first: what follows a section's head belongs to it.
    fileprivate func sectionsLast<Root>() -> [ConfigurationKey<Root>] where Element == ConfigurationKey<Root> {
        var order: [String] = [""]
        for key in self where !order.contains(key.split.section) { order.append(key.split.section) }
        return order.flatMap { section in filter { $0.split.section == section } }
    }
}

/// Reads a configuration from its sources; a later one wins: defaults, file, environment, flags.
///
/// The file is named by `--config` or by `PREFIX_CONFIG`. `database.pool_size` is `PREFIX_DATABASE_POOL_SIZE` in the
/// environment and `--database.pool_size` among the flags. A secret `password` may lie in a file that `password_file`
/// names; on the command line, where every user of the machine reads along, only that is possible.
public struct ConfigurationLoader<Root: ConfigurationSection> {
    let prefix: String
    let standard: Root
    private var keys: [ConfigurationKey<Root>]
    private let readFile: (String) throws -> String

    /// - Parameters:
    ///   - prefix: begins the names of environment variables: `REGISTRY`.
    ///   - readFile: reads a file's text.
    public init(
        _ type: Root.Type = Root.self, prefix: String, readFile: @escaping (String) throws -> String = TextFile.read
    ) {
        self.prefix = prefix
        self.readFile = readFile
        standard = Root()
        var keys = ConfigurationKeys<Root>()
        Root.describe(&keys)
        self.keys = keys.keys
        let variables = self.keys.map { Self.variable($0.path, prefix) }
        precondition(Set(variables).count == variables.count, "two keys have the same variable: \(variables)")
    }

    static func variable(_ path: String, _ prefix: String) -> String {
        prefix + "_" + path.uppercased().map { $0 == "." ? "_" : String($0) }.joined()
    }

    private struct Setting {
        var text: ConfigurationText
        var origin: ConfigurationOrigin
        var place: String
    }

    /// - Throws: `ConfigurationError` with everything that is wrong.
    public func load(arguments: [String], environment: [String: String]) throws -> LoadedConfiguration<Root> {
        var faults: [String] = []
        var plain: [String] = []
        var flags: [(name: String, value: String)] = []
        var wantsPrint = false
        var wantsHelp = false
        var file = environment["\(prefix)_CONFIG"]
        var index = 0
        while index < arguments.count {
            let argument = arguments[index]
            index += 1
            if argument == "--" {
                plain += arguments[index...]
                break
            }
            guard argument.hasPrefix("--") else {
                plain.append(argument)
                continue
            }
            let pair = argument.dropFirst(2).split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            let name = String(pair[0].map { $0 == "-" ? "_" : $0 })
            if name == "print_config" || name == "help" {
                if name == "help" { wantsHelp = true } else { wantsPrint = true }
                continue
            }
            let value: String
            if pair.count == 2 {
                value = String(pair[1])
            } else if index < arguments.count, !arguments[index].hasPrefix("--"),
                !isSwitch(name) || ["true", "false"].contains(arguments[index])
            {
                value = arguments[index]
                index += 1
            } else {
                value = "true"
            }
            if name == "config" { file = value } else { flags.append((name, value)) }
        }

        var settings: [String: Setting] = [:]
        if let file { readEntries(file, &settings, &faults) }
        for (name, value) in environment.sorted(by: { $0.key < $1.key })
        where name.hasPrefix("\(prefix)_") && name != "\(prefix)_CONFIG" {
            guard let key = names.first(where: { Self.variable($0, prefix) == name }) else {
                let known = names.map { Self.variable($0, prefix) }
                faults.append("environment \(name): unknown\(Suggestion.phrase(for: name, among: known))")
                continue
            }
            settings[key] = Setting(text: .scalar(value), origin: .environment(name), place: "environment \(name)")
            forgetOther(key, &settings)
        }
        for (name, value) in flags {
            let place = "flag --\(name)"
            guard names.contains(name) else {
                faults.append(
                    "\(place): unknown\(Suggestion.phrase(for: name, among: names + ["config", "print_config"]))")
                continue
            }
            if keys.contains(where: { $0.path == name && $0.isSecret }) {
                faults.append(
                    "\(place): every user of the machine can read flags; use --\(name)_file or \(Self.variable(name, prefix))"
                )
                continue
            }
            settings[name] = Setting(text: .scalar(value), origin: .flag(name), place: place)
            forgetOther(name, &settings)
        }

        var value = standard
        var origins: [String: ConfigurationOrigin] = [:]
        for key in keys {
            guard let setting = resolve(key, settings, &faults) else { continue }
            do {
                try key.set(&value, setting.text)
                origins[key.path] = setting.origin
            } catch {
                var said = ""
                if !key.isSecret, case .scalar(let text) = setting.text { said = ", not \(text.configurationText)" }
                faults.append("\(setting.place): \(key.path) must be \(error.wanted)\(said)")
            }
        }
        guard faults.isEmpty else { throw ConfigurationError(faults) }
        return LoadedConfiguration(
            value: value, origins: origins, arguments: plain, wantsPrint: wantsPrint, wantsHelp: wantsHelp, keys: keys,
            prefix: prefix)
    }

    private func isSwitch(_ name: String) -> Bool { keys.contains { $0.path == name && $0.isSwitch } }

    /// Every name that may be set: the keys, and `_file` for secrets.
    private var names: [String] { keys.flatMap { $0.isSecret ? [$0.path, "\($0.path)_file"] : [$0.path] } }

    /// A secret and its file name each other's place: the later source decides.
    private func forgetOther(_ name: String, _ settings: inout [String: Setting]) {
        for key in keys where key.isSecret {
            if name == key.path { settings["\(name)_file"] = nil }
            if name == "\(key.path)_file" { settings[key.path] = nil }
        }
    }

    private func readEntries(_ path: String, _ settings: inout [String: Setting], _ faults: inout [String]) {
        let entries: [ConfigurationFile.Entry]
        do { entries = try ConfigurationFile.parse(try readFile(path)) } catch {
            let isFault = error is ConfigurationFile.Fault
            return faults.append(isFault ? "\(path):\(error)" : "\(path): \(error)")
        }
        for entry in entries {
            let place = "\(path):\(entry.line):\(entry.column)"
            guard names.contains(entry.path) else {
                faults.append("\(place): \(entry.path) is unknown\(Suggestion.phrase(for: entry.path, among: names))")
                continue
            }
            settings[entry.path] = Setting(
                text: entry.value, origin: .file(path: path, line: entry.line), place: place)
        }
        for key in keys where key.isSecret && settings[key.path] != nil && settings["\(key.path)_file"] != nil {
            faults.append("\(path): \(key.path) and \(key.path)_file are both there; keep one")
        }
    }

    private func resolve(
        _ key: ConfigurationKey<Root>, _ settings: [String: Setting], _ faults: inout [String]
    ) -> Setting? {
        if let setting = settings[key.path] { return setting }
        guard key.isSecret, let named = settings["\(key.path)_file"] else { return nil }
        guard case .scalar(let path) = named.text else {
            faults.append("\(named.place): \(key.path)_file must be one path")
            return nil
        }
        do {
            var text = try readFile(path)
            // Editors end files with a newline, which is no part of the secret.
            while text.last?.isNewline == true { text.removeLast() }
            return Setting(text: .scalar(text), origin: .secretFile(path, by: named.origin), place: named.place)
        } catch {
            faults.append("\(named.place): \(key.path)_file: \(error)")
            return nil
        }
    }
}

/// Small files that are read whole.
public enum TextFile {
    /// - Throws: `ConfigurationError` with the system's reason.
    public static func read(_ path: String) throws -> String {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            throw ConfigurationError(["cannot read \(path): \(String(cString: strerror(errno)))"])
        }
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 16 * 1024)
        while bytes.count < 1 << 20 {
            let count = Glibc.read(descriptor, &buffer, buffer.count)
            guard count >= 0 else {
                throw ConfigurationError(["cannot read \(path): \(String(cString: strerror(errno)))"])
            }
            if count == 0 { return String(decoding: bytes, as: UTF8.self) }
            bytes += buffer[..<count]
        }
        throw ConfigurationError(["\(path) is larger than 1 MiB"])
    }
}

/// The process's environment.
public enum ProcessEnvironment {
    public static var variables: [String: String] {
        var variables: [String: String] = [:]
        var entry = environ
        while let pointer = entry.pointee {
            let pair = String(cString: pointer).split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            if pair.count == 2 { variables[String(pair[0])] = String(pair[1]) }
            entry += 1
        }
        return variables
    }
}
