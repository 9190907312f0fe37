import CommandLineKit
import Glibc
import ServiceKit

/// Which suite, as whom, and in which workspace.
///
/// What a flag says counts before what the environment says, and that before the current context. A context that is named
/// by `--context` counts before the environment.
struct Target: Sendable {
    /// Where one service is.
    struct Place: Sendable {
        let server: ServerAddress
        let token: Secret?
        /// Whether the service has an address of its own; else it is behind the one server.
        let isTold: Bool
    }

    var server: ServerAddress
    var token: Secret?
    /// Those that are not behind the one server.
    var services: [SuiteService: Place] = [:]
    var workspace: String?
    /// PEM file.
    var authorities: String?
    /// The context that had a say.
    var context: String?

    static let defaultServer = "http://127.0.0.1:7070"

    func place(of service: SuiteService) -> Place {
        services[service] ?? Place(server: server, token: token, isTold: service == .registry)
    }

    /// - Throws: `UsageError`, `Failure`.
    static func resolve(
        _ values: Values, _ environment: [String: String], _ file: ContextFile
    ) throws -> Target {
        func variable(_ name: String) -> String? { environment[name].flatMap { $0.isEmpty ? nil : $0 } }
        let named = values[GlobalFlags.context]
        let name = named ?? (file.current.isEmpty ? nil : file.current)
        if let named, file.contexts[named] == nil {
            let hint = Suggestion.nearest(to: named, among: Array(file.contexts.keys)).map { "did you mean \($0)?" }
            throw Failure(
                .notFound,
                "there is no context \"\(named)\"; \(hint ?? "`slipway context list` shows those that there are")")
        }
        let saved = name.flatMap { file.contexts[$0] } ?? SavedContext()
        func choose(_ flag: Flag<String?>, _ name: String, _ saved: String) -> String? {
            let saved = saved.isEmpty ? nil : saved
            return values[flag] ?? (named == nil ? variable(name) ?? saved : saved ?? variable(name))
        }
        let text = choose(GlobalFlags.server, "SLIPWAY_SERVER", saved.server) ?? defaultServer
        guard let server = ServerAddress(text) else {
            throw UsageError("the server \"\(text)\": must be \(ServerAddress.wanted)")
        }
        // A saved token goes to the servers that it was saved for, and to no other.
        let isHome = server.description == ServerAddress(saved.server)?.description
        let given = try values[GlobalFlags.tokenFile].map(TokenInput.read(file:))
        func token(_ isTrusted: Bool) -> Secret? {
            let token = choose(GlobalFlags.tokenFile, "SLIPWAY_TOKEN", isTrusted ? saved.token.reveal() : "")
            return given ?? token.map { Secret($0) }
        }
        var target = Target(
            server: server, token: token(isHome),
            workspace: choose(GlobalFlags.workspace, "SLIPWAY_WORKSPACE", saved.workspace),
            authorities: choose(GlobalFlags.authorities, "SLIPWAY_CA_FILE", saved.authorities), context: name)
        for (service, flag) in GlobalFlags.services {
            // What a context says of a service holds for the suite that it is of.
            let known = isHome ? saved.services[service] ?? "" : ""
            guard let text = choose(flag, service.variable, known) else { continue }
            guard let place = ServerAddress(text) else {
                throw UsageError("the \(service.title)'s address \"\(text)\": must be \(ServerAddress.wanted)")
            }
            let isTrusted =
                isHome && [saved.server, known].contains { ServerAddress($0)?.description == place.description }
            target.services[service] = Place(server: place, token: token(isTrusted), isTold: true)
        }
        return target
    }
}

/// Tokens on their way in.
enum TokenInput {
    /// The token that a file holds; `-` is the standard input.
    /// - Throws: `Failure`.
    static func read(file: String) throws -> Secret {
        let descriptor = file == "-" ? STDIN_FILENO : open(file, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            throw Failure(.failed, "cannot read the token from \(file): \(String(cString: strerror(errno)))")
        }
        defer { if descriptor != STDIN_FILENO { close(descriptor) } }
        var bytes = [UInt8](repeating: 0, count: 4096)
        var count = 0
        while count < bytes.count {
            let part = bytes[count...].withUnsafeMutableBytes { Glibc.read(descriptor, $0.baseAddress, $0.count) }
            if part == 0 { break }
            guard part > 0 || errno == EINTR else {
                throw Failure(.failed, "cannot read the token from \(file): \(String(cString: strerror(errno)))")
            }
            count += max(0, part)
        }
        return try check(String(decoding: bytes[..<count], as: UTF8.self), from: file)
    }

    /// - Throws: `Failure` where the text can't be a token. It is not repeated: it may be a secret all the same.
    static func check(_ text: String, from place: String) throws -> Secret {
        let token = text.split(whereSeparator: \.isWhitespace)
        guard token.count == 1, let only = token.first, only.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7f }) else {
            throw Failure(.usage, "\(place == "-" ? "the standard input" : place) holds no token; one word is expected")
        }
        return Secret(String(only))
    }
}
