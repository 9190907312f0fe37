import CommandLineKit
import Testing

@Suite("The parser")
struct ParserTests {
    @Test(
        "a command is found wherever the flags of the root stand",
        arguments: [
            ["model", "register", "x", "--name", "y", "-o", "json"],
            ["-o", "json", "model", "register", "x", "--name", "y"],
            ["model", "-ojson", "register", "--name=y", "x"],
            ["model", "register", "--output=json", "--name", "y", "--", "x"],
        ])
    func places(_ line: [String]) throws {
        let found = try #require(try Sample.parse(line))
        #expect(found.path == "sample model register")
        #expect(found.values[Sample.output] == "json")
        #expect(found.values[Sample.name] == "y")
        #expect(found.values[Sample.path] == "x")
    }

    @Test("values have their types, and the last of a key counts")
    func types() throws {
        let found = try #require(
            try Sample.parse([
                "model", "register", "x", "--name", "y", "--tag", "a=1", "--tag", "b=x=y", "--tag", "a=2", "--metric",
                "loss=-0.5", "--limit", "7", "--since", "2h", "--lifetime", "1w2d", "--quiet",
            ]))
        #expect(found.values[Sample.tags] == ["a": "2", "b": "x=y"])
        #expect(found.values[Sample.metrics] == ["loss": -0.5])
        #expect(found.values[Sample.limit] == 7)
        #expect(found.values[Sample.since] == .ago(seconds: 7200))
        #expect(found.values[Sample.lifetime] == .seconds(9 * 86_400))
        #expect(found.values[Sample.quiet])
        #expect(found.values[Sample.server] == nil)
    }

    @Test("an argument that repeats takes all that follow, and behind -- even what looks like a flag")
    func repeats() throws {
        let found = try #require(try Sample.parse(["model", "untag", "churn", "a", "--", "-b", "--c"]))
        #expect(found.values.all(Sample.keys) == ["a", "-b", "--c"])
    }

    @Test("a single - is a value and an argument")
    func dash() throws {
        let found = try #require(try Sample.parse(["model", "register", "-", "--name", "-"]))
        #expect(found.values[Sample.path] == "-")
        #expect(found.values[Sample.name] == "-")
    }

    @Test(
        "help is found at every command",
        arguments: [
            [], ["--help"], ["help"], ["help", "model"], ["model", "--help"], ["model", "register", "-h"],
        ])
    func help(_ line: [String]) throws { #expect(try Sample.parse(line) == nil) }

    @Test(
        "what is wrong is said with what would be right",
        arguments: [
            (["modle"], "sample has no command \"modle\"; did you mean model?"),
            (["zzz"], "sample has no command \"zzz\"; there are: model, whoami"),
            (["model"], "say what to do: register, untag, history"),
            (["model", "reg"], "sample model has no command \"reg\"; did you mean register?"),
            (["model", "register", "--name", "y"], "PATH is missing: a file"),
            (["model", "register", "x"], "--name NAME is missing: the name"),
            (
                ["model", "register", "x", "--nmae", "y"],
                "sample model register has no flag --nmae; did you mean --name?"
            ),
            (["model", "register", "x", "--zzzzz"], "sample model register has no flag --zzzzz"),
            (["model", "register", "x", "--name"], "--name needs a value: --name NAME"),
            (["model", "register", "x", "--name", "--tag"], "--name needs a value: --name NAME"),
            (["model", "register", "x", "--name", "a", "--name", "b"], "--name is there twice"),
            (
                ["model", "register", "x", "--name", "a", "--tag", "b"],
                "--tag \"b\": must be key=value, such as team=growth"
            ),
            (
                ["model", "register", "x", "--name", "a", "--metric", "b=c"],
                "--metric \"b=c\": must be key=number, such as auc=0.93"
            ),
            (
                ["model", "register", "x", "--name", "a", "--limit", "0"],
                "--limit \"0\": must be a whole number from 1 to 100"
            ),
            (
                ["model", "register", "x", "--name", "a", "--since", "noon"],
                "--since \"noon\": must be \(MomentText.wanted)"
            ),
            (["-o", "jsno"], "-o \"jsno\": must be one of table, json, yaml; did you mean json?"),
            (["whoami", "--quiet=yes"], "--quiet takes no value"),
            (["whoami", "x"], "\"x\" is too much; sample whoami takes nothing"),
            (["whoami", "-x"], "sample whoami has no flag -x; an argument that begins with - stands behind --"),
            (["model", "history", "a", "b"], "\"b\" is too much; sample model history takes [ALIAS]"),
        ] as [([String], String)])
    func errors(_ line: [String], _ message: String) {
        #expect {
            _ = try Sample.parse(line)
        } throws: { error in
            (error as? UsageError)?.message == message
        }
    }

    @Test("an argument that may be left out is empty then")
    func optional() throws {
        #expect(try #require(try Sample.parse(["model", "history"])).values[Sample.optional] == "")
    }
}
