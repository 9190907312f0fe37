import Testing

@testable import ServiceKit

enum Mode: String, ConfigurationChoice {
    case fast, careful
}

struct PoolSettings: ConfigurationSection {
    var size = 8
    var timeout = Duration.seconds(30)
    static func describe(_ keys: inout ConfigurationKeys<PoolSettings>) {
        keys.add("size", \.size, "connections")
        keys.add("timeout", \.timeout, "how long a query may take")
    }
}

struct DatabaseSettings: ConfigurationSection {
    var host = "localhost"
    var password = Secret("")
    var pool = PoolSettings()
    static func describe(_ keys: inout ConfigurationKeys<DatabaseSettings>) {
        keys.add("host", \.host, "where the database is")
        keys.add("password", \.password, "its password")
        keys.add("pool", \.pool)
    }
}

struct Settings: ConfigurationSection {
    var address = "127.0.0.1:8080"
    var bodyLimit = ByteCount.mebibytes(64)
    var ratio = 0.1
    var mode = Mode.fast
    var verbose = false
    var peers: [String] = []
    var keys: [Secret] = []
    var note: String?
    var database = DatabaseSettings()
    static func describe(_ keys: inout ConfigurationKeys<Settings>) {
        keys.add("address", \.address, "where calls are taken")
        keys.add("body_limit", \.bodyLimit, "the largest body")
        keys.add("ratio", \.ratio, "a share")
        keys.add("database", \.database)
        keys.add("mode", \.mode, "how")
        keys.add("verbose", \.verbose, "say more")
        keys.add("peers", \.peers, "others")
        keys.add("keys", \.keys, "old keys")
        keys.add("note", \.note, "anything")
    }
}

@Suite("configuration")
struct ConfigurationTests {
    func load(
        file: String? = nil, _ environment: [String: String] = [:], _ arguments: [String] = [],
        files: [String: String] = [:]
    ) throws -> LoadedConfiguration<Settings> {
        var files = files
        files["/etc/app.toml"] = file
        let known = files
        let loader = ConfigurationLoader(Settings.self, prefix: "APP") { path in
            guard let text = known[path] else { throw ConfigurationError(["cannot read \(path)"]) }
            return text
        }
        let arguments = (file == nil ? [] : ["--config", "/etc/app.toml"]) + arguments
        return try loader.load(arguments: arguments, environment: environment)
    }

    func faults(_ body: () throws -> LoadedConfiguration<Settings>) -> [String] {
        do {
            _ = try body()
            Issue.record("nothing was refused")
            return []
        } catch let error as ConfigurationError { return error.faults } catch {
            Issue.record("another error: \(error)")
            return []
        }
    }

    @Test("without sources every value is its default")
    func defaults() throws {
        let loaded = try load()
        #expect(loaded.value.address == "127.0.0.1:8080")
        #expect(loaded.value.database.pool.size == 8)
        #expect(loaded.origins.isEmpty)
    }

    @Test("flags beat the environment, the environment the file, the file the defaults")
    func precedence() throws {
        let file = """
            address = "file:1"   # a comment
            body_limit = '1GB'
            peers = ["a", "b",
              "c",]
            note = "tab\\tquote\\"\\u00e4"
            [database]
            host = "file"
            [database.pool]
            size = 1_6
            timeout = "1m30s"
            """
        let loaded = try load(
            file: file, ["APP_DATABASE_HOST": "environment", "APP_ADDRESS": "environment:2", "HOME": "/"],
            ["--address=flag:3", "--database.pool.size", "99", "--verbose", "rest", "--mode", "careful"])
        let value = loaded.value
        #expect(value.verbose && loaded.arguments == ["rest"])
        #expect(value.address == "flag:3" && value.database.host == "environment")
        #expect(value.database.pool.size == 99 && value.database.pool.timeout == .seconds(90))
        #expect(value.bodyLimit == ByteCount(1_000_000_000) && value.peers == ["a", "b", "c"])
        #expect(value.note == "tab\tquote\"ä" && value.mode == .careful)
        #expect(loaded.origins["body_limit"] == .file(path: "/etc/app.toml", line: 2))
        #expect(loaded.origins["database.host"] == .environment("APP_DATABASE_HOST"))
        #expect(loaded.origins["address"] == .flag("address"))
    }

    @Test("a switch needs no value, and after -- nothing is a flag")
    func bareFlag() throws {
        let loaded = try load([:], ["--verbose", "--mode=careful", "--", "--not-a-flag"])
        #expect(loaded.value.verbose && loaded.arguments == ["--not-a-flag"])
    }

    @Test(
        "an unknown key is refused with the one that was likely meant",
        arguments: [
            ("adress = \"x\"", "/etc/app.toml:1:1: adress is unknown; did you mean address?"),
            ("\n[database]\n  hots = 'x'", "/etc/app.toml:3:3: database.hots is unknown; did you mean database.host?"),
            ("zzzzzzzzzz = 1", "/etc/app.toml:1:1: zzzzzzzzzz is unknown"),
        ])
    func unknown(_ file: String, _ fault: String) {
        #expect(faults { try load(file: file) } == [fault])
    }

    @Test("every fault of every source is told at once")
    func allFaults() {
        let found = faults {
            try load(
                file: "body_limit = \"64 apples\"\n", ["APP_RATOI": "1", "APP_DATABASE_POOL_SIZE": "many"],
                ["--mode=slow", "--verbos"])
        }
        #expect(
            Set(found) == [
                "/etc/app.toml:1:1: body_limit must be a size such as 64MiB, 1GB or 512B, not \"64 apples\"",
                "environment APP_RATOI: unknown; did you mean APP_RATIO?",
                "environment APP_DATABASE_POOL_SIZE: database.pool.size must be a whole number from \(Int.min) to \(Int.max), not \"many\"",
                "flag --mode: mode must be one of fast, careful, not \"slow\"",
                "flag --verbos: unknown; did you mean verbose?",
            ])
    }

    @Test(
        "a malformed file is refused with line and column",
        arguments: [
            ("a", "1:2: = is missing after a"), ("a = ", "1:5: a value is missing"),
            ("a = \"x", "1:5: the text has no closing \""), ("a = [1, 2", "1:5: the list has no end"),
            ("a = yes", "1:5: a text stands in quotes: \"yes\""), ("a = 1\na = 2", "2:1: a is there twice"),
            ("a = {b = 1}", "1:5: inline tables are not possible; use a section"),
            ("[a]]", "1:4: \"]\" follows; one entry stands on a line"),
            ("[[a]]", "1:2: lists of sections are not possible"),
            ("a = \"\\q\"", "1:7: the escapes are \\n \\t \\r \\\" \\\\ \\uXXXX"),
            ("ä = 1", "1:1: a name of letters, digits and _ is missing"),
        ])
    func malformed(_ file: String, _ fault: String) {
        do {
            _ = try ConfigurationFile.parse(file)
            Issue.record("nothing was refused")
        } catch { #expect(error.description == fault) }
    }

    @Test(
        "durations are read and written",
        arguments: [
            ("30s", Duration.seconds(30), "\"30s\""), ("1m30s", .seconds(90), "\"90s\""),
            ("250ms", .milliseconds(250), "\"250ms\""), ("0s", .zero, "\"0s\""), ("2h", .seconds(7200), "\"2h\""),
        ])
    func durations(_ text: String, _ duration: Duration, _ printed: String) throws {
        #expect(try Duration(scalar: text) == duration)
        #expect(duration.configurationText == printed)
    }

    @Test("what is no duration is refused", arguments: ["", "30", "s", "-1s", "1.5s", "9999999999999d", "1s 2s"])
    func badDurations(_ text: String) {
        #expect((try? Duration(scalar: text)) == nil)
    }

    @Test("a secret comes from a file that a key names, without its last newline")
    func secretFile() throws {
        let loaded = try load(
            file: "[database]\npassword_file = \"/run/secret\"", files: ["/run/secret": "hunter2!\n"])
        #expect(loaded.value.database.password.reveal() == "hunter2!")
        #expect(
            loaded.origins["database.password"]
                == .secretFile("/run/secret", by: .file(path: "/etc/app.toml", line: 2)))
    }

    @Test("a later source's secret beats an earlier one's, whichever way it is given")
    func secretPrecedence() throws {
        let file = "[database]\npassword = \"from-file\""
        let loaded = try load(
            file: file, [:], ["--database.password_file=/run/secret"], files: ["/run/secret": "from-flag"])
        #expect(loaded.value.database.password.reveal() == "from-flag")
        let other = try load(
            file: "[database]\npassword_file = '/run/secret'", ["APP_DATABASE_PASSWORD": "from-environment"],
            files: ["/run/secret": "x"])
        #expect(other.value.database.password.reveal() == "from-environment")
    }

    @Test("a secret among the flags is refused, and not repeated")
    func secretFlag() {
        let found = faults { try load([:], ["--database.password=hunter2!"]) }
        #expect(found.count == 1 && !found[0].contains("hunter2!") && found[0].contains("--database.password_file"))
    }

    @Test("no way of printing shows a secret")
    func printing() throws {
        let loaded = try load(
            ["APP_DATABASE_PASSWORD": "hunter2!", "APP_KEYS": "opensesame,swordfish"], ["--print-config"])
        var dumped = ""
        dump(loaded.value, to: &dumped)
        let texts = [
            loaded.printed, loaded.help, "\(loaded.value)", String(reflecting: loaded.value), dumped,
            "\(loaded.value.database.password)", "\(Optional(loaded.value.database.password) as Any)",
            String(describing: loaded.value.keys),
        ]
        for text in texts {
            for secret in loaded.secrets { #expect(!text.contains(secret.reveal())) }
        }
        #expect(loaded.secrets.count == 3 && loaded.wantsPrint)
        #expect(loaded.printed.contains("password = \"****\"  # environment APP_DATABASE_PASSWORD"))
    }

    @Test("what is printed is a file that gives the same configuration")
    func roundTrip() throws {
        let loaded = try load(["APP_BODY_LIMIT": "3MiB", "APP_PEERS": "x, y", "APP_DATABASE_POOL_TIMEOUT": "5s"])
        let again = try load(file: loaded.printed)
        #expect(again.value.bodyLimit == .mebibytes(3) && again.value.peers == ["x", "y"])
        #expect(again.value.database.pool.timeout == .seconds(5) && again.value.note == nil)
        #expect(loaded.printed.contains("ratio = 0.1  # default"))
    }
}
