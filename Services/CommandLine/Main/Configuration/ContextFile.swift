import Access
import CommandLineKit
import Glibc
import ServiceKit

/// A suite that somebody works with, under a name.
struct SavedContext: Sendable, Equatable {
    var server = ""
    var token = Secret("")
    var workspace = ""
    var authorities = ""
    /// Addresses of the services that are not behind the one server.
    var services: [SuiteService: String] = [:]
}

/// The file that remembers where somebody signed in. Only its owner may read it.
struct ContextFile: Sendable, Equatable {
    /// Which context is used where none is named.
    var current = ""
    var contexts: [String: SavedContext] = [:]

    static func path(in environment: [String: String]) -> String {
        if let path = environment["SLIPWAY_CONFIG"], !path.isEmpty { return path }
        let home = environment["HOME"] ?? "."
        let folder = environment["XDG_CONFIG_HOME"].flatMap { $0.hasPrefix("/") ? $0 : nil } ?? "\(home)/.config"
        return "\(folder)/slipway/config.toml"
    }

    static let nameWanted = "1 to 64 letters, digits, - and _"

    static func isName(_ name: String) -> Bool {
        (1...64).contains(name.utf8.count)
            && name.utf8.allSatisfy { byte in
                (byte | 0x20 >= UInt8(ascii: "a") && byte | 0x20 <= UInt8(ascii: "z"))
                    || (byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9"))
                    || byte == UInt8(ascii: "-") || byte == UInt8(ascii: "_")
            }
    }

    /// What the file says; nothing where there is none.
    /// - Throws: `Failure` where others may read it, or it can't be understood.
    static func read(_ path: String) throws -> ContextFile {
        let bytes: [UInt8]
        do {
            guard let found = try PrivateFile.read(path, limit: 1 << 20) else { return ContextFile() }
            bytes = found
        } catch { throw Failure(.failed, "\(error)") }
        do { return try ContextFile(parsing: String(decoding: bytes, as: UTF8.self)) } catch {
            throw Failure(.failed, "\(path):\(error)")
        }
    }

    init() {}

    init(parsing text: String) throws(ConfigurationFile.Fault) {
        for entry in try ConfigurationFile.parse(text, keepsDashes: true) {
            guard case .scalar(let value) = entry.value else { continue }
            let parts = entry.path.split(separator: ".").map(String.init)
            // Keys that this version does not know are left for the one that does.
            if parts == ["current"] { current = value }
            guard parts.count == 3, parts[0] == "contexts" else { continue }
            var context = contexts[parts[1]] ?? SavedContext()
            switch parts[2] {
            case "server": context.server = value
            case "token": context.token = Secret(value)
            case "workspace": context.workspace = value
            case "ca_file": context.authorities = value
            default:
                if let service = SuiteService.allCases.first(where: { $0.key == parts[2] }) {
                    context.services[service] = value.isEmpty ? nil : value
                }
            }
            contexts[parts[1]] = context
        }
    }

    var text: String {
        var text = "# Where slipway signed in. It holds tokens: keep it to yourself.\n"
        text += "current = \(current.configurationText)\n"
        for (name, context) in contexts.sorted(by: { $0.key < $1.key }) {
            text += "\n[contexts.\(name)]\nserver = \(context.server.configurationText)\n"
            for (service, address) in context.services.sorted(by: { $0.key.key < $1.key.key }) {
                text += "\(service.key) = \(address.configurationText)\n"
            }
            if !context.token.isEmpty { text += "token = \(context.token.reveal().configurationText)\n" }
            if !context.workspace.isEmpty { text += "workspace = \(context.workspace.configurationText)\n" }
            if !context.authorities.isEmpty { text += "ca_file = \(context.authorities.configurationText)\n" }
        }
        return text
    }

    /// Puts the file in its place as a whole, in a folder that is made where it is missing.
    /// - Throws: `Failure`.
    func write(_ path: String) throws {
        if let slash = path.lastIndex(of: "/") {
            var made = path.hasPrefix("/") ? "" : "."
            for part in path[..<slash].split(separator: "/") {
                made += "/\(part)"
                guard mkdir(made, 0o700) == 0 || errno == EEXIST else {
                    throw Failure(.failed, "cannot make the folder \(made): \(String(cString: strerror(errno)))")
                }
            }
        }
        let place = path.contains("/") ? path : "./\(path)"
        do { try PrivateFile.replace(Array(text.utf8), at: place) } catch { throw Failure(.failed, "\(error)") }
    }
}
