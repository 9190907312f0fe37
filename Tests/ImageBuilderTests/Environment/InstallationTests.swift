import Blobs
import Foundation
import OCI
import Testing

@testable import ImageBuilderCore

@Suite("Environments are laid out the same everywhere, and run", .serialized)
struct InstallationTests {
    private func request(_ text: String, additions: [String] = []) -> EnvironmentRequest {
        EnvironmentRequest(fileName: "requirements.txt", text: text, additions: additions)
    }

    @Test("a wheel's parts go where pip puts them, with a record of them")
    func places() async throws {
        let fixture = try EnvironmentFixture()
        try fixture.add(
            "alpha", "1.0",
            files: [
                "alpha/__init__.py": "def main(): return 7\n", "alpha/tool.sh": "x",
                "alpha-1.0.data/scripts/hello": "#!python\nprint('hello')\n", "alpha-1.0.data/data/share/x.txt": "x",
                "alpha-1.0.data/purelib/pure.py": "x = 1\n", "alpha-1.0.data/headers/a.h": "int a;",
                "alpha-1.0.dist-info/entry_points.txt": "[console_scripts]\nalpha-run = alpha:main\n[other]\nx = y\n",
                "alpha/tests/test_a.py": "1\n", "alpha/two.py": "print 'old'\n",
            ])
        let environments = try await fixture.open()
        let lock = try await environments.resolve(request("alpha"), fresh: false) { _ in }.lock
        let contents = try await environments.packages(lock, at: "/opt/packages") { _ in }
        let entries = contents.layer.entries
        let site = "opt/packages/lib/python3.11/site-packages"
        for path in [
            "\(site)/alpha/__init__.py", "\(site)/alpha/__pycache__/__init__.cpython-311.pyc", "\(site)/pure.py",
            "opt/packages/bin/hello", "opt/packages/bin/alpha-run", "opt/packages/share/x.txt",
            "opt/packages/include/python3.11/alpha/a.h", "\(site)/alpha-1.0.dist-info/METADATA",
            "\(site)/alpha-1.0.dist-info/INSTALLER", "\(site)/alpha-1.0.dist-info/REQUESTED",
        ] { #expect(entries[path] != nil, "\(path)") }
        #expect(entries["\(site)/alpha/__pycache__/two.cpython-311.pyc"] == nil)
        #expect(entries["\(site)/alpha/tests/__pycache__/test_a.cpython-311.pyc"] == nil)
        #expect(entries["opt/packages/bin/hello"]?.entry.mode == 0o755)
        #expect(entries["\(site)/alpha/tool.sh"]?.entry.mode == 0o755)
        #expect(entries["\(site)/alpha/__init__.py"]?.entry.mode == 0o644)
        _ = try await fixture.unpack(contents.layer, to: fixture.folder + "/root")
        contents.release()
        #expect(fixture.scratchFolders.isEmpty)
        let record = try String(
            contentsOfFile: fixture.folder + "/root/\(site)/alpha-1.0.dist-info/RECORD", encoding: .utf8)
        #expect(record.contains("../../../bin/alpha-run,sha256="))
        #expect(record.contains("alpha/tool.sh,sha256=LXEWQrcmsEQBYnyp-6wy9chTD7GQPMTbAiWHF5IaSIE,1"))
        #expect(record.contains("alpha-1.0.dist-info/RECORD,,\n"))
        let ran = try run(
            "/usr/bin/python3",
            [
                "-c",
                "import alpha, importlib.metadata as m; print(alpha.main(), m.version('alpha'), len(m.files('alpha')))",
            ],
            ["PYTHONUSERBASE": fixture.folder + "/root/opt/packages"])
        #expect(ran.output.hasPrefix("7 1.0 "), "\(ran.output)")
    }

    @Test(
        "wheels that lead out of their folder, or are damaged, are refused by name",
        arguments: ["../evil.py", "/etc/evil", "alpha-1.0.data/root/x", "a\\b", "alpha-1.0.data/data/../../x"])
    func hostile(_ path: String) async throws {
        let fixture = try EnvironmentFixture()
        try fixture.add("alpha", "1.0", files: [path: "x"])
        let environments = try await fixture.open()
        let lock = try await environments.resolve(request("alpha"), fresh: false) { _ in }.lock
        let failure = try await #require(throws: BuildFailure.self) {
            _ = try await environments.packages(lock, at: "/opt/packages") { _ in }
        }
        #expect(failure.code == "packages.wheel")
        #expect(failure.message.contains("alpha-1.0-py3-none-any.whl"))
        #expect(fixture.scratchFolders.isEmpty)
    }

    @Test("the builder's Python runs by itself as somebody without rights, and twice gives the same layer")
    func python() async throws {
        let fixture = try EnvironmentFixture()
        let environments = try await fixture.open()
        let lock = try await environments.resolve(EnvironmentRequest(fileName: "", text: ""), fresh: false) { _ in }
            .lock
        #expect(lock.packages.isEmpty)
        let root = fixture.folder + "/root"
        var digests: Set<BlobDigest> = []
        for _ in 0..<2 {
            let contents = try await environments.python(lock, at: "/slipway/python")
            digests.insert(try await fixture.unpack(contents.layer, to: root))
            contents.release()
        }
        #expect(digests.count == 1)
        #expect(fixture.scratchFolders.isEmpty)
        guard geteuid() == 0 else { return }
        let ran = try run(
            "/usr/sbin/chroot",
            [
                "--userspec=65532:65532", root, "/slipway/python/bin/python3", "-c",
                """
                import sys, ssl, sqlite3, ctypes, lzma, bz2, zlib, hashlib, json, asyncio, decimal, uuid, multiprocessing
                ctypes.CDLL("libstdc++.so.6"); ctypes.CDLL("libgcc_s.so.1")
                import subprocess
                print(sys.prefix, json.__cached__, subprocess.check_output([sys.executable, "-c", "print(5)"]).decode())
                """,
            ], ["LANG": "C.UTF-8"])
        #expect(ran.status == 0, "\(ran.output)")
        #expect(ran.output.hasPrefix("/slipway/python "), "\(ran.output)")
    }

    @Test("scikit-learn of the real index is laid out, and predicts in a folder of its own", .timeLimit(.minutes(10)))
    func real() async throws {
        let fixture = try EnvironmentFixture(index: "https://pypi.org/simple")
        let environments = try await fixture.open()
        let lock: EnvironmentLock
        do {
            lock = try await environments.resolve(request("scikit-learn"), fresh: false) { _ in }.lock
        } catch let failure as BuildFailure where failure.code == "dependencies.index" {
            // Nobody here can be asked: what the other tests say has to do.
            return
        }
        #expect(lock.packages.map(\.name).contains("numpy"))
        let root = fixture.folder + "/root"
        for contents in [
            try await environments.python(lock, at: "/slipway/python"),
            try await environments.packages(lock, at: "/slipway/packages") { _ in },
        ] {
            _ = try await fixture.unpack(contents.layer, to: root)
            contents.release()
        }
        guard geteuid() == 0 else { return }
        let variables = try await environments.variables(
            lock, pythonAt: "/slipway/python", packagesAt: "/slipway/packages")
        let ran = try run(
            "/usr/sbin/chroot",
            [
                "--userspec=65532:65532", root, "/slipway/python/bin/python3", "-c",
                """
                import numpy, sklearn, importlib.metadata
                from sklearn.ensemble import RandomForestClassifier
                model = RandomForestClassifier(5).fit([[0], [1]] * 10, [0, 1] * 10)
                print(model.predict([[1]]), importlib.metadata.version("scikit-learn") == sklearn.__version__)
                """,
            ], variables)
        #expect(ran.output.hasSuffix("[1] True\n"), "\(ran.output)")
    }
}
