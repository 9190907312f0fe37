import Blobs
import Foundation
import Loop
import OCI

@testable import ImageBuilderCore

/// A folder with wheels made for a test, an environment builder over it, and a store.
final class EnvironmentFixture: Sendable {
    let folder: String
    let settings: PythonSettings
    let store = MemoryBlobStore()
    let memory = KeptLocks()
    let pool = ComputePool(threads: 2, name: "python")

    /// - Parameter index: nothing means that only the wheels of the test are there.
    init(index: String = "", silence: Duration = .seconds(20), limit: Duration = .seconds(300)) throws {
        folder = FileManager.default.temporaryDirectory.path + "/slipway-environment-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: folder + "/links", withIntermediateDirectories: true)
        let certificates = "/etc/ssl/certs/ca-certificates.crt"
        settings = PythonSettings(
            folder: folder + "/python", index: index, links: [folder + "/links"],
            certificates: FileManager.default.fileExists(atPath: certificates) ? certificates : "", silence: silence,
            limit: limit)
        try pool.start()
    }

    deinit {
        pool.stop()
        try? FileManager.default.removeItem(atPath: folder)
    }

    func open() async throws -> PythonEnvironments {
        try await PythonEnvironments.open(settings, store: store, memory: memory, pool: pool)
    }

    /// Makes a wheel, or sources where `kind` says so.
    func add(
        _ name: String, _ version: String, needs: [String] = [], files: [String: String] = [:], kind: String = "wheel"
    ) throws {
        let data = try JSONSerialization.data(
            withJSONObject: ["name": name, "version": version, "needs": needs, "files": files, "kind": kind])
        let result = try run(
            "/usr/bin/python3", ["-I", "-c", Self.maker, folder + "/links", String(decoding: data, as: UTF8.self)])
        guard result.status == 0 else { throw BuildFailure("test", result.output) }
    }

    /// Writes a layer and unpacks it below a folder.
    func unpack(_ contents: LayerContents, to target: String) async throws -> BlobDigest {
        let writer = LayerWriter(store: store, files: MachineFiles(pool: pool), level: 1)
        let written = try await writer.write(contents)
        let bytes = try await store.withBlob(written.descriptor.digest) { try await $0.read(0..<$0.info.size) }
        try FileManager.default.createDirectory(atPath: target, withIntermediateDirectories: true)
        try Data(bytes).write(to: URL(fileURLWithPath: target + ".tar.gz"))
        let result = try run("/bin/tar", ["-C", target, "-xpzf", target + ".tar.gz"])
        guard result.status == 0 else { throw BuildFailure("test", result.output) }
        return written.contents
    }

    var scratchFolders: [String] {
        ((try? FileManager.default.contentsOfDirectory(atPath: settings.folder)) ?? []).filter { $0.hasPrefix("work-") }
    }

    private static let maker = """
        import json, sys, zipfile, tarfile, io
        spec = json.loads(sys.argv[2])
        stem = "%s-%s" % (spec["name"].replace("-", "_"), spec["version"])
        meta = "Metadata-Version: 2.1\\nName: %s\\nVersion: %s\\n" % (spec["name"], spec["version"])
        meta += "".join("Requires-Dist: %s\\n" % need for need in spec["needs"])
        if spec["kind"] == "sources":
            with tarfile.open("%s/%s.tar.gz" % (sys.argv[1], stem), "w:gz") as archive:
                for name, text in {"PKG-INFO": meta, "setup.py": "open('/tmp/slipway-ran', 'w')"}.items():
                    info = tarfile.TarInfo("%s/%s" % (stem, name))
                    info.size = len(text)
                    archive.addfile(info, io.BytesIO(text.encode()))
            sys.exit(0)
        files = dict(spec["files"]) or {spec["name"].replace("-", "_") + ".py": "version = %r\\n" % spec["version"]}
        files[stem + ".dist-info/METADATA"] = meta
        files[stem + ".dist-info/WHEEL"] = "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n"
        files[stem + ".dist-info/RECORD"] = "".join("%s,,\\n" % name for name in files)
        with zipfile.ZipFile("%s/%s-py3-none-any.whl" % (sys.argv[1], stem), "w", zipfile.ZIP_DEFLATED) as archive:
            for name, text in files.items():
                info = zipfile.ZipInfo(name)
                info.external_attr = (0o100755 if name.endswith(".sh") else 0o100600) << 16
                archive.writestr(info, text)
        """
}

/// Runs a program to its end.
@discardableResult
func run(_ program: String, _ arguments: [String], _ environment: [String: String] = [:]) throws -> (
    status: Int32, output: String
) {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: program)
    process.arguments = arguments
    process.environment = environment.isEmpty ? ["PATH": "/usr/bin:/bin:/usr/sbin:/sbin"] : environment
    let pipe = Pipe()
    process.standardOutput = pipe
    process.standardError = pipe
    try process.run()
    let output = try pipe.fileHandleForReading.readToEnd() ?? Data()
    process.waitUntilExit()
    return (process.terminationStatus, String(decoding: output, as: UTF8.self))
}

final class KeptLocks: LockMemory {
    private let locks = Lock<[String: EnvironmentLock]>([:])

    func find(_ key: String) -> EnvironmentLock? { locks.withLock { $0[key] } }

    func keep(_ key: String, _ lock: EnvironmentLock) -> EnvironmentLock {
        locks.withLock { locks in
            let kept = locks[key] ?? lock
            locks[key] = kept
            return kept
        }
    }
}
