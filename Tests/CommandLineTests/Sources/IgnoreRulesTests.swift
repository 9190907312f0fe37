import Testing

@testable import Slipway

@Suite("What ignore files leave out")
struct IgnoreRulesTests {
    /// Whether a path is left out, with its folders looked at first as the walk does.
    private func isIgnored(_ path: String, by lines: String, _ dialect: IgnorePattern.Dialect = .git) -> Bool {
        let rules = IgnoreRules(dialect: dialect).adding(lines)
        let isFolder = path.hasSuffix("/")
        let parts = path.split(separator: "/")
        for count in 1..<max(1, parts.count) {
            let folder = parts[..<count].joined(separator: "/")
            if rules.ignores(folder, isFolder: true), !rules.mayReturnBelow { return true }
        }
        return rules.ignores(parts.joined(separator: "/"), isFolder: isFolder)
    }

    @Test(
        "git's patterns mean what git says",
        arguments: [
            ("*.pyc", "a.pyc", true), ("*.pyc", "b/c/a.pyc", true), ("*.pyc", "a.py", false),
            ("/a.txt", "a.txt", true), ("/a.txt", "b/a.txt", false), ("b/a.txt", "b/a.txt", true),
            ("b/a.txt", "c/b/a.txt", false), ("data/", "data/", true), ("data/", "data", false),
            ("data/", "x/data/y", true), ("data", "data/x", true), ("/data/*", "data/x", true),
            ("/data/*", "data/x/y", true), ("/data/*", "data/", false), ("a/**/z", "a/z", true),
            ("a/**/z", "a/b/c/z", true), ("a/**/z", "b/a/z", false), ("**/z", "x/y/z", true), ("**/z", "z", true),
            ("a/**", "a/b/c", true), ("a/**", "a/", false), ("a*b?c", "aXXbYc", true), ("a*b?c", "aXXbc", false),
            ("*", "x/y", true), ("x*y", "x/y", false), ("[a-c].txt", "b.txt", true), ("[!a-c].txt", "b.txt", false),
            ("[^a-c].txt", "d.txt", true), ("[]x].txt", "].txt", true), ("[[:digit:]]", "7", true),
            ("[[:digit:]]", "a", false), ("[a", "[a", false), ("# x", "# x", false), ("\\#x", "#x", true),
            ("\\!x", "!x", true), ("x  ", "x", true), ("x\\ ", "x ", true), ("", "x", false), ("x\r", "x", true),
            ("ü?", "üß", true), ("foo/**/", "foo/bar/", true), ("*.LOG", "a.log", false), ("\\", "\\", false),
        ] as [(String, String, Bool)])
    func git(_ pattern: String, _ path: String, _ ignored: Bool) {
        #expect(isIgnored(path, by: pattern) == ignored)
    }

    @Test("the last pattern that fits counts, and nothing returns out of an ignored folder")
    func negation() {
        #expect(!isIgnored("keep.log", by: "*.log\n!keep.log"))
        #expect(isIgnored("keep.log", by: "!keep.log\n*.log"))
        #expect(isIgnored("data/keep.csv", by: "data/\n!data/keep.csv"))
        #expect(!isIgnored("data/keep.csv", by: "data/*\n!data/keep.csv"))
        #expect(isIgnored("data/other.csv", by: "data/*\n!data/keep.csv"))
    }

    @Test(
        "docker's patterns count from the top, and return out of folders",
        arguments: [
            ("*.pyc", "a.pyc", true), ("*.pyc", "b/a.pyc", false), ("**/*.pyc", "b/c/a.pyc", true),
            ("data", "data/x/y", true), ("data", "x/data", false), ("data\n!data/keep", "data/keep", false),
            ("data\n!data/keep", "data/other", true), ("/data/", "data/x", true), ("  data  ", "data", true),
            ("*\n!src", "src/a.py", false), ("*\n!src", "b.py", true), ("./data", "data", true),
        ] as [(String, String, Bool)])
    func docker(_ lines: String, _ path: String, _ ignored: Bool) {
        #expect(isIgnored(path, by: lines, .docker) == ignored)
    }

    @Test("a file further down counts before those above, and for its folder alone")
    func nested() {
        let rules = IgnoreRules().adding("*.csv").adding("!a.csv\n/b.txt", in: "sub")
        #expect(!rules.ignores("sub/a.csv", isFolder: false))
        #expect(rules.ignores("a.csv", isFolder: false))
        #expect(rules.ignores("sub/b.txt", isFolder: false))
        #expect(!rules.ignores("sub/x/b.txt", isFolder: false))
        #expect(!rules.ignores("b.txt", isFolder: false))
    }

    @Test("what no image needs is left out whatever the rules say")
    func always() {
        let rules = IgnoreRules().adding("!.git\n!__pycache__\n!.gitignore")
        #expect(rules.ignores(".git", isFolder: true))
        #expect(rules.ignores("a/__pycache__", isFolder: true))
        #expect(rules.ignores("a/.gitignore", isFolder: false))
        #expect(!rules.ignores(".github", isFolder: true))
    }

    @Test("a pattern of many stars takes no longer than it is wide", .timeLimit(.minutes(1)))
    func stars() {
        let pattern = String(repeating: "*a", count: 200) + "b"
        #expect(!isIgnored(String(repeating: "a", count: 5000), by: pattern))
        let folders = String(repeating: "**/a/", count: 100) + "b"
        #expect(!isIgnored(String(repeating: "a/", count: 300) + "c", by: folders))
    }
}
