import Blobs
import Foundation
import Loop
import Testing

@testable import ImageBuilderCore

@Suite("Packages are resolved by pip, from wheels alone", .serialized)
struct ResolvingTests {
    private func request(_ text: String, base: String? = nil) -> EnvironmentRequest {
        EnvironmentRequest(fileName: "requirements.txt", text: text, basePython: base)
    }

    private func failure(_ fixture: EnvironmentFixture, _ text: String) async throws -> BuildFailure {
        let environments = try await fixture.open()
        return try await #require(throws: BuildFailure.self) {
            _ = try await environments.resolve(request(text), fresh: false) { _ in }
        }
    }

    @Test("the lock says names, versions, files and digests, and the wheels are in the store")
    func lock() async throws {
        let fixture = try EnvironmentFixture()
        try fixture.add("alpha", "1.0", needs: ["beta_two>=1"])
        try fixture.add("beta-two", "1.5")
        try fixture.add("beta-two", "2.0", needs: ["gamma; python_version < '3'"])
        let environments = try await fixture.open()
        let said = Lock<[String]>([])
        let (lock, pins) = try await environments.resolve(request("alpha"), fresh: false) { progress in
            said.withLock { $0.append(progress.message) }
        }
        #expect(lock.packages.map(\.name) == ["alpha", "beta-two"])
        #expect(lock.packages.map(\.version) == ["1.0", "2.0"])
        #expect(lock.packages.map(\.isAskedFor) == [true, false])
        #expect(pins.map(\.info.digest) == lock.packages.map(\.digest))
        #expect(said.withLock { $0 }.contains { $0.contains("alpha") })
        #expect(fixture.scratchFolders.isEmpty)

        // What was decided stays, until somebody asks anew.
        try fixture.add("beta-two", "3.0")
        #expect(try await environments.resolve(request("alpha"), fresh: false) { _ in }.lock == lock)
        let fresh = try await environments.resolve(request("alpha"), fresh: true) { _ in }.lock
        #expect(fresh.packages.map(\.version) == ["1.0", "3.0"])
        #expect(fresh.key != lock.key)
    }

    @Test("a lock whose wheels are gone from the store is fetched again by its digests")
    func refetched() async throws {
        let fixture = try EnvironmentFixture()
        try fixture.add("alpha", "1.0")
        let environments = try await fixture.open()
        let (lock, pins) = try await environments.resolve(request("alpha"), fresh: false) { _ in }
        for pin in pins { pin.release() }
        _ = try await fixture.store.collect(olderThan: .zero) { _ in [] }
        try fixture.add("alpha", "2.0")
        let again = try await environments.resolve(request("alpha"), fresh: false) { _ in }
        #expect(again.lock == lock)
        #expect(try await fixture.store.stat(try #require(lock.packages.first).digest) != nil)
    }

    @Test("conditions are judged for the base image's Python")
    func markers() async throws {
        let fixture = try EnvironmentFixture()
        try fixture.add("old", "1.0")
        try fixture.add("new", "1.0")
        let environments = try await fixture.open()
        let text = "old; python_version < '3.12'\nnew; python_full_version >= '3.12.0'"
        #expect(
            try await environments.resolve(request(text, base: "3.12"), fresh: false) { _ in }.lock.packages.map(\.name)
                == ["new"])
        #expect(
            try await environments.resolve(request(text), fresh: false) { _ in }.lock.packages.map(\.name) == ["old"])
    }

    @Test("a conflict is told in the resolver's own words")
    func conflict() async throws {
        let fixture = try EnvironmentFixture()
        try fixture.add("alpha", "1.0", needs: ["gamma<2"])
        try fixture.add("beta", "1.0", needs: ["gamma>=2"])
        try fixture.add("gamma", "1.0")
        try fixture.add("gamma", "2.0")
        let failure = try await failure(fixture, "alpha\nbeta\n")
        #expect(failure.code == "dependencies.conflict")
        #expect(failure.message.contains("alpha 1.0 depends on gamma<2"), "\(failure.message)")
        #expect(failure.message.contains("beta 1.0 depends on gamma>=2"), "\(failure.message)")
        #expect(failure.message.contains("Cannot install alpha"), "\(failure.message)")
        #expect(!failure.message.contains("requirements.txt"), "\(failure.message)")
        #expect(fixture.scratchFolders.isEmpty)
    }

    @Test("versions and packages that are not there are named with those that are")
    func missing() async throws {
        let fixture = try EnvironmentFixture()
        try fixture.add("alpha", "1.0")
        let version = try await failure(fixture, "alpha>=7")
        #expect(version.code == "dependencies.missing")
        #expect(version.message.contains("alpha>=7") && version.message.contains("1.0"), "\(version.message)")
        let name = try await failure(fixture, "no-such-thing")
        #expect(name.code == "dependencies.missing")
        #expect(name.message.contains("no-such-thing"), "\(name.message)")
    }

    @Test("sources are refused, and nothing of them is run")
    func sources() async throws {
        let fixture = try EnvironmentFixture()
        try fixture.add("wild", "1.0", kind: "sources")
        let failure = try await failure(fixture, "wild")
        #expect(failure.code == "dependencies.sources", "\(failure.message)")
        #expect(failure.message.contains("wild"))
        // By the address that another package names as well.
        try fixture.add("sly", "1.0", needs: ["wild @ file://\(fixture.folder)/links/wild-1.0.tar.gz"])
        let sly = try await self.failure(fixture, "sly")
        #expect(sly.message.contains("only wheels"), "\(sly.message)")
        #expect(!FileManager.default.fileExists(atPath: "/tmp/slipway-ran"))
    }

    @Test("an index that refuses connections, and one that never answers, are told from a package that is not there")
    func index() async throws {
        let refusing = try await failure(EnvironmentFixture(index: "http://user:secret@127.0.0.1:1/simple"), "alpha")
        #expect(refusing.code == "dependencies.index")
        #expect(!refusing.message.contains("secret"), "\(refusing.message)")
        let silent = try SilentServer()
        let hanging = try await failure(
            EnvironmentFixture(index: "http://127.0.0.1:\(silent.port)/simple", silence: .seconds(1)), "alpha")
        #expect(hanging.code == "dependencies.index")
        #expect(hanging.message.contains("in time"), "\(hanging.message)")
        let late = try await failure(
            EnvironmentFixture(index: "http://127.0.0.1:\(silent.port)/simple", limit: .seconds(3)), "alpha")
        #expect(late.code == "dependencies.index")
    }

    @Test(
        "a cancelled resolution ends the resolver and leaves nothing; meanwhile no process shows the index's password"
    )
    func cancelled() async throws {
        let silent = try SilentServer()
        let fixture = try EnvironmentFixture(
            index: "http://user:hidden-word@127.0.0.1:\(silent.port)/simple", silence: .seconds(600))
        let environments = try await fixture.open()
        let (words, continuation) = AsyncStream.makeStream(of: String.self)
        let task = Task {
            try await environments.resolve(request("alpha"), fresh: false) { continuation.yield($0.message) }
        }
        for await _ in words { break }
        let shown = try FileManager.default.contentsOfDirectory(atPath: "/proc").filter { Int($0) != nil }
            .compactMap { FileManager.default.contents(atPath: "/proc/\($0)/cmdline") }
            .map { String(decoding: $0, as: UTF8.self) }
        #expect(shown.contains { $0.contains(fixture.folder) })
        #expect(!shown.contains { $0.contains("hidden-word") })
        task.cancel()
        await #expect(throws: CancellationError.self) { _ = try await task.value }
        #expect(fixture.scratchFolders.isEmpty)
    }
}

/// Takes connections, and never says a word.
final class SilentServer: Sendable {
    let port: UInt16
    private let descriptor: Int32

    init() throws {
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let (descriptor, length) = (descriptor, size)
        let isBound = withUnsafeMutablePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer in
                bind(descriptor, pointer, length) == 0 && listen(descriptor, 16) == 0
                    && getsockname(descriptor, pointer, &size) == 0
            }
        }
        guard isBound else { throw BuildFailure("test", "no port") }
        port = UInt16(bigEndian: address.sin_port)
    }

    deinit { close(descriptor) }
}
