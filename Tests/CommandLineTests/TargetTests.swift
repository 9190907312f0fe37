import CommandLineKit
import ServiceKit
import Testing

@testable import Slipway

@Suite("Where calls go, and as whom")
struct TargetTests {
    private var file: ContextFile {
        get throws {
            try ContextFile(
                parsing: """
                    current = "home"
                    [contexts.home]
                    server = "http://127.0.0.1:7070"
                    token = "home-token"
                    workspace = "growth"
                    [contexts.prod-eu]
                    server = "https://models.example.com"
                    token = "prod-token"
                    """)
        }
    }

    private func resolve(_ flags: [String], _ environment: [String: String] = [:]) throws -> Target {
        guard case .run(_, let values, _) = try Parser.parse(Root.command, ["whoami"] + flags) else {
            throw UsageError("no command")
        }
        return try Target.resolve(values, environment, try file)
    }

    @Test("the current context counts where nothing else is said")
    func current() throws {
        let target = try resolve([])
        #expect(target.server.description == "http://127.0.0.1:7070")
        #expect(target.token?.reveal() == "home-token")
        #expect(target.workspace == "growth")
    }

    @Test("a variable counts before the current context, and a flag before a variable")
    func precedence() throws {
        let variables = ["SLIPWAY_WORKSPACE": "core", "SLIPWAY_TOKEN": "variable-token"]
        #expect(try resolve([], variables).workspace == "core")
        #expect(try resolve([], variables).token?.reveal() == "variable-token")
        #expect(try resolve(["-w", "lab"], variables).workspace == "lab")
    }

    @Test("a context that is named counts before a variable")
    func named() throws {
        let variables = ["SLIPWAY_SERVER": "http://127.0.0.1:1", "SLIPWAY_TOKEN": "variable-token"]
        let target = try resolve(["--context", "prod-eu"], variables)
        #expect(target.server.description == "https://models.example.com")
        #expect(target.token?.reveal() == "prod-token")
    }

    @Test("a saved token goes to no other server")
    func otherServer() throws {
        #expect(try resolve(["--server", "http://127.0.0.1:7071"]).token == nil)
        #expect(try resolve([], ["SLIPWAY_SERVER": "https://127.0.0.1:7070"]).token == nil)
        #expect(try resolve(["--server", "http://127.0.0.1:7070/"]).token?.reveal() == "home-token")
    }

    @Test("a context that is not there is refused, with the one that was meant")
    func unknown() {
        #expect {
            _ = try resolve(["--context", "prod-ue"])
        } throws: { error in
            (error as? Failure)?.code == .notFound && (error as? Failure)?.message.contains("prod-eu") == true
        }
    }

    @Test("a configuration is read as it was written")
    func roundTrip() throws {
        var file = try file
        file.contexts["odd"] = SavedContext(
            server: "unix:/a \"b\"", token: Secret("t"), workspace: "w\\", authorities: "/c")
        #expect(try ContextFile(parsing: file.text) == file)
    }

    @Test(
        "addresses are read, and what is none is refused",
        arguments: [
            ("http://h:1", "h:1"), ("http://h", "h:80"), ("https://h/", "h:443"), ("http://[::1]:7", "[::1]:7"),
            ("unix:/s", "unix:/s"), ("h:1", nil), ("http://", nil), ("http://h:x", nil), ("http://h:0", nil),
            ("http://h/path", nil), ("http://u@h", nil), ("unix:s", nil), ("ftp://h", nil), ("", nil),
        ] as [(String, String?)])
    func addresses(_ text: String, _ address: String?) {
        #expect(ServerAddress(text)?.address.description == address)
    }

    @Test(
        "a remote is told without credentials",
        arguments: [
            ("https://ada:secret@h/r.git", "https://h/r.git"), ("https://token@h/r", "https://h/r"),
            ("ssh://git:pw@h:22/r", "ssh://git@h:22/r"), ("git@h:r.git", "git@h:r.git"), ("/srv/r", "/srv/r"),
            ("https://h/r@v", "https://h/r@v"),
        ])
    func remotes(_ address: String, _ shown: String) { #expect(GitFacts.withoutCredentials(address) == shown) }
}
