import Loop
import OCI
import Testing

@testable import Blobs
@testable import ImageBuilderCore

@Suite("bases that name what others have", .timeLimit(.minutes(5))) struct ForeignPartsTests {
    /// A registry of somebody's own: it hands out a manifest, and has none of the parts that this names.
    private static func registry(_ manifest: [UInt8]) -> FakeRegistry {
        FakeRegistry { request, _ in
            guard request == "GET /v2/team/base/manifests/1" || request.hasPrefix("GET /v2/team/base/manifests/sha256")
            else { return nil }
            return (200, ["content-type": MediaType.manifest], String(decoding: manifest, as: UTF8.self))
        }
    }

    private static func bring(
        _ address: String, _ fixture: ImagesFixture, within limit: Duration = .seconds(120), bytesMax: Int64 = .max
    ) async throws -> BroughtBase {
        var settings = RegistryAccessSettings()
        settings.retries = 0
        settings.limit = limit
        let registries = try RegistryClients(
            RegistryCredentialStore(fixture.secrets), settings: settings, loop: fixture.loops.loops[0])
        defer { registries.stop() }
        let bringer = BaseBringer(
            ImageStore(fixture.pool), store: fixture.blobs, registries: registries, layouts: "",
            bytesMax: bytesMax, pool: fixture.compute)
        return try await bringer.bring("\(address)/team/base:1", for: .current, in: fixture.lab) { _ in }
    }

    @Test("a layer of another workspace is not to be had by naming its digest in a manifest")
    func foreign() async throws {
        try await withImages { fixture in
            let secret = try await fixture.record("churn", [fixture.layer([("m", "secret")])], in: fixture.attic)
            let manifest = try await fixture.blobs.withBlob(secret.digest) { try await $0.verifiedBytes(upTo: 1 << 20) }
            try await Self.registry(manifest).run(fixture.loops) { address in
                let failure = await #expect(throws: BuildFailure.self) { try await Self.bring(address, fixture) }
                #expect(failure?.code == "base.damaged")
            }
        }
    }

    @Test("a layer that the workspace's own images have does not travel again")
    func own() async throws {
        try await withImages { fixture in
            let image = try await fixture.record("churn", [fixture.layer([("m", "1")])])
            let manifest = try await fixture.blobs.withBlob(image.digest) { try await $0.verifiedBytes(upTo: 1 << 20) }
            let registry = Self.registry(manifest)
            try await registry.run(fixture.loops) { address in
                let brought = try await Self.bring(address, fixture)
                #expect(brought.base.manifest.digest == image.digest)
            }
            #expect(registry.state.withLock { $0.requests }.allSatisfy { $0.contains("/manifests/") })
        }
    }

    @Test("a registry that does not come to an end has no builder's place for ever")
    func slow() async throws {
        try await withImages { fixture in
            let registry = FakeRegistry { _, _ in
                for await _ in AsyncStream<Int>(Int.self, { _ in }) {}
                return nil
            }
            try await registry.run(fixture.loops) { address in
                let failure = await #expect(throws: BuildFailure.self) {
                    try await Self.bring(address, fixture, within: .milliseconds(300))
                }
                #expect(failure?.code == "base.slow")
                #expect(failure?.message.contains("outside.limit") == true)
            }
        }
    }

    @Test("a base that says that it is larger than the settings allow is refused before a byte of it comes")
    func large() async throws {
        try await withImages { fixture in
            let image = try await fixture.record("churn", [fixture.layer([("m", "1")])])
            let manifest = try await fixture.blobs.withBlob(image.digest) { try await $0.verifiedBytes(upTo: 1 << 20) }
            try await Self.registry(manifest).run(fixture.loops) { address in
                let failure = await #expect(throws: BuildFailure.self) {
                    try await Self.bring(address, fixture, bytesMax: 10)
                }
                #expect(failure?.code == "base.size")
            }
        }
    }

    @Test("a base of one layer a thousand times is refused: each would be held open")
    func manyLayers() async throws {
        try await withImages { fixture in
            let layer = try await fixture.layer([("m", "1")])
            let image = try await fixture.record("churn", Array(repeating: layer, count: 1000))
            let manifest = try await fixture.blobs.withBlob(image.digest) { try await $0.verifiedBytes(upTo: 1 << 20) }
            try await Self.registry(manifest).run(fixture.loops) { address in
                let failure = await #expect(throws: BuildFailure.self) { try await Self.bring(address, fixture) }
                #expect(failure?.code == "base.size")
            }
        }
    }
}
