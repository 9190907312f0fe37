import Contracts
import Glibc
import HTTP
import Loop
import Protobuf
import RPC
import ServiceKit
import Testing

@testable import Access
@testable import Blobs
@testable import Identity
@testable import Postgres
@testable import RegistryCore

typealias V1 = Slipway.Models.V1

/// The service of files over a registry of its own, with one who may write to both workspaces.
struct FilesHarness: Sendable {
    let fixture: RegistryFixture
    let store: any BlobStore
    let service: ModelFilesService
    let server: RPCServer
    let metrics: FileMetrics
    let token: Secret

    init(_ fixture: RegistryFixture, store: (any BlobStore)? = nil, settings: FileSettings = FileSettings())
        async throws
    {
        self.fixture = fixture
        self.store = store ?? fixture.blobs
        metrics = FileMetrics(MetricsRegistry())
        service = ModelFilesService(fixture.pool, store: self.store, settings: settings, metrics: metrics)
        server = fixture.server([service])
        token = try await fixture.member(
            "ada", [(fixture.lab, .contributor), (fixture.attic, .contributor)]
        ).token
    }

    func client(_ workspace: String = "lab", token: Secret? = nil) -> V1.ModelFiles.Client {
        V1.ModelFiles.Client(fixture.channel(server, token: token ?? self.token, workspace: workspace))
    }

    func keeper(_ settings: FileSettings = FileSettings(), loop: EventLoop? = nil) -> FileKeeper {
        FileKeeper(
            fixture.pool, store: store, settings: settings, metrics: metrics, loop: loop ?? fixture.loops.loops[0])
    }

    /// Writes a version down as its registration would.
    @discardableResult
    func register(
        _ name: String, _ files: [(path: String, bytes: [UInt8])], in workspace: Workspace? = nil
    ) async throws -> Int32 {
        var digests: [BlobDigest] = []
        for file in files { digests.append(try await store.put(file.bytes).info.digest) }
        return try await register(
            name, files.enumerated().map { FileEntry(path: $1.path, digest: digests[$0], size: Int64($1.bytes.count)) },
            in: workspace)
    }

    @discardableResult
    func register(_ name: String, _ files: [FileEntry], in workspace: Workspace? = nil) async throws -> Int32 {
        let place = PostgresUUID((workspace ?? fixture.lab).id)
        let parts = files.map { "\($0.path) \($0.digest)" }.joined(separator: "\n")
        let digest = try BlobHasher.digest(Array(parts.utf8)).bytes
        let size = files.reduce(0) { $0 + $1.size }
        return try await fixture.pool.transaction { transaction in
            let model = try await transaction.query(
                """
                INSERT INTO registry.models AS m (workspace, name, last_version, latest_version, version_count)
                VALUES (\(place), \(name), 1, 1, 1) ON CONFLICT (workspace, name) DO UPDATE SET
                    last_version = m.last_version + 1, latest_version = m.last_version + 1
                RETURNING id, last_version
                """
            ).all((Int64, Int32).self)[0]
            let fileSet = try await transaction.query(
                """
                INSERT INTO registry.file_sets AS s (workspace, digest, size, file_count)
                VALUES (\(place), \(digest), \(size), \(Int32(files.count)))
                ON CONFLICT (workspace, digest) DO UPDATE SET size = s.size RETURNING id
                """
            ).all(Int64.self)[0]
            try await transaction.execute(
                """
                INSERT INTO registry.files (file_set, path, digest, size)
                SELECT \(fileSet), * FROM unnest(
                    \(files.map(\.path)), \(files.map(\.digest.bytes)), \(files.map(\.size)))
                ON CONFLICT DO NOTHING
                """)
            try await transaction.execute(
                """
                INSERT INTO registry.versions (model, workspace, name, version, file_set, size, facts, created_by)
                VALUES (\(model.0), \(place), \(name), \(model.1), \(fileSet), \(size), ''::bytea, 'person:ada')
                """)
            return model.1
        }
    }

    /// Removes a version for good.
    func purge(_ name: String, _ version: Int32) async throws {
        try await fixture.pool.transaction { transaction in
            let sets = try await transaction.query(
                "DELETE FROM registry.versions WHERE name = \(name) AND version = \(version) RETURNING file_set"
            ).all(Int64.self)
            try await transaction.execute("DELETE FROM registry.file_sets WHERE id = ANY(\(sets))")
        }
    }

    /// All that a download gives.
    func download(_ request: V1.DownloadRequest, workspace: String = "lab") async throws -> [UInt8] {
        try await client(workspace).download(request) { responses in
            var bytes: [UInt8] = []
            for try await response in responses { bytes += response.data }
            return bytes
        }
    }

    /// Sends everything in one call, in messages of up to a megabyte.
    @discardableResult
    func send(_ bytes: [UInt8], to id: String, from offset: Int = 0, workspace: String = "lab") async throws
        -> V1.Upload
    {
        try await client(workspace).appendUpload { writer in
            var first = V1.AppendUploadRequest(id: id, offset: Int64(offset))
            var start = offset
            repeat {
                let end = min(bytes.count, start + 1 << 20)
                first.data = bytes[start..<end]
                try await writer.write(first)
                first = V1.AppendUploadRequest()
                start = end
            } while start < bytes.count
        }
    }
}

func withFiles(
    store: (any BlobStore)? = nil, _ settings: FileSettings = FileSettings(),
    _ body: (FilesHarness) async throws -> Void
) async throws {
    try await withRegistry { try await body(try await FilesHarness($0, store: store, settings: settings)) }
}

func begin(_ bytes: [UInt8]) throws -> V1.BeginUploadRequest {
    V1.BeginUploadRequest(digest: try BlobHasher.digest(bytes).description, sizeBytes: Int64(bytes.count))
}

func content(_ count: Int, seed: UInt64) -> [UInt8] {
    var generator = SplitNumbers(state: seed)
    var bytes: [UInt8] = []
    bytes.reserveCapacity(count + 8)
    while bytes.count < count { withUnsafeBytes(of: generator.next()) { bytes.append(contentsOf: $0) } }
    return Array(bytes.prefix(count))
}

struct SplitNumbers {
    var state: UInt64

    mutating func next() -> UInt64 {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return state
    }
}

/// Lets one side wait for the other.
final class Gate: Sendable {
    private let state = Lock<(isOpen: Bool, waiting: [CheckedContinuation<Void, Never>])>((false, []))

    func open() {
        let waiting = state.withLock { state in
            state.isOpen = true
            defer { state.waiting = [] }
            return state.waiting
        }
        for continuation in waiting { continuation.resume() }
    }

    func wait() async {
        await withCheckedContinuation { continuation in
            let isOpen = state.withLock { state in
                if !state.isOpen { state.waiting.append(continuation) }
                return state.isOpen
            }
            if isOpen { continuation.resume() }
        }
    }
}

/// A folder that is gone after the test.
func withFolder<Result>(_ body: (String) async throws -> Result) async throws -> Result {
    var template = Array("/tmp/slipway-files-XXXXXX".utf8CString)
    try #require(mkdtemp(&template) != nil)
    let path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    defer { _ = try? ChildProcess.run("rm", ["-rf", "--", path]) }
    return try await body(path)
}
