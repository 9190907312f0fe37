import Loop
import Testing

@testable import ImageBuilderCore

@Suite("Entry scripts are parsed, not run")
struct EntryScriptTests {
    private func check(_ text: String) async throws -> EntryScriptFacts {
        let fixture = try EnvironmentFixture()
        return try await EntryScriptChecker(fixture.settings, pool: fixture.pool).check(path: "score.py", text: text)
    }

    @Test("what a script has and imports is found")
    func facts() async throws {
        let facts = try await check(
            """
            import json, os.path
            from sklearn.linear_model import Ridge
            from . import helpers
            try:
                import numpy as np
            except ImportError:
                np = None
            def init():
                import joblib
            async def run(data, request_headers): return data
            open("/tmp/slipway-script-ran", "w")
            """)
        #expect(facts.hasInit)
        #expect(facts.imports == ["joblib", "json", "numpy", "os", "sklearn"])
    }

    @Test(
        "scripts that can be served are taken",
        arguments: [
            "def run(data): pass", "run = make()", "from other import run", "from other import *", "import x as run",
            "if True:\n    def run(a): pass", "@input_schema('a', 1)\ndef run(a, b=2): pass", "run = lambda data: data",
            "import driver as driver_module", "def run(*, data): pass", "@wrap\ndef run(): pass",
            "def run(data): pass\ndef init(x=1): pass", "\u{FEFF}def run(d): pass",
        ])
    func taken(_ text: String) async throws { _ = try await check(text) }

    @Test(
        "what can't be served is refused with line and column",
        arguments: [
            ("def run(data)\n    pass", "entry.syntax", "line 1, column 14"),
            ("x = 1\n  y = 2\n", "entry.syntax", "line 2"),
            ("def run(d):\n\treturn 1\n        return 2", "entry.syntax", "line 3"),
            ("return 1", "entry.syntax", "line 1"),
            ("a\0b", "entry.syntax", "null byte"), ("", "entry.run", "defines no run()"),
            ("def start(d): pass", "entry.run", "defines no run()"),
            ("run = 5", "entry.run", "line 1, column 1: run is a value"),
            ("class run: pass", "entry.run", "a class"),
            ("\ndef run(): pass", "entry.run", "line 2, column 1: run() takes no"),
            ("def run(request_headers): pass", "entry.run", "takes no argument"),
            ("def run(*data): pass", "entry.run", "names"),
            ("def run(d): pass\ndef init(a): pass", "entry.init", "takes 1"),
        ])
    func refused(_ text: String, _ code: String, _ part: String) async throws {
        let failure = try await #require(throws: BuildFailure.self) { _ = try await check(text) }
        #expect(failure.code == code, "\(failure.message)")
        #expect(failure.message.contains(part), "\(failure.message)")
    }

    @Test(
        "scripts made to break the parser are refused",
        arguments: [
            String(repeating: "(", count: 50_000) + String(repeating: ")", count: 50_000),
            "x = " + String(repeating: "-", count: 200_000) + "1",
            "x = " + String(repeating: "a.", count: 100_000) + "a",
            "x = " + String(repeating: "1+", count: 300_000) + "1",
            (0..<200).map { String(repeating: " ", count: $0) + "if 1:\n" }.joined(),
        ])
    func hostile(_ text: String) async throws {
        let failure = try await #require(throws: BuildFailure.self) { _ = try await check(text + "\n") }
        #expect(failure.code.hasPrefix("entry."), "\(failure.message)")
    }
}
