import Contracts
import Loop
import OCI
import RPC
import Tar
import Testing

@testable import Blobs
@testable import ImageBuilderCore

private typealias V1 = Slipway.Images.V1

@Suite("what differs between two images", .timeLimit(.minutes(5))) struct ComparisonTests {
    private func compare(
        _ fixture: ImagesFixture, _ from: StoredImage, _ to: StoredImage, entriesMax: Int = 1000
    ) async throws -> V1.ImageComparison {
        try await ImageComparer(fixture.blobs, on: fixture.compute, entriesMax: entriesMax).compare(from, to)
    }

    private func lines(_ comparison: V1.ImageComparison) -> [String] {
        comparison.files.map { "\($0.change) \($0.path) \($0.fromBytes) \($0.toBytes) \($0.layer)" }
    }

    @Test("nothing differs between an image and itself, or one that was built of the same")
    func same() async throws {
        try await withImages { fixture in
            let layer = try await fixture.layer([("m", "1")])
            let comparison = try await compare(
                fixture, fixture.record("churn", [layer]), fixture.record("churn", [layer]))
            #expect(comparison == V1.ImageComparison())
        }
    }

    @Test("a new model is one layer with the files that changed, and its bytes")
    func model() async throws {
        try await withImages { fixture in
            let runtime = try await fixture.layer([("scorer", "elf"), ("lib/libc.so", "c")], kind: "runtime")
            let steps = try await fixture.layer([("etc/motd", "hello")], kind: "steps")
            let old = try await fixture.layer([
                ("models/churn/a", "1"), ("models/churn/b", "same"), ("models/churn/c", "x"),
            ])
            let new = try await fixture.layer([
                ("models/churn/a", "22"), ("models/churn/b", "same"), ("models/churn/d", "y"),
            ])
            let from = try await fixture.record("churn", [runtime, old, steps])
            let to = try await fixture.record("churn", [runtime, new, steps])
            let comparison = try await compare(fixture, from, to)
            #expect(
                lines(comparison) == [
                    "CHANGED /models/churn/a 1 2 models", "REMOVED /models/churn/c 1 0 models",
                    "ADDED /models/churn/d 0 1 models",
                ])
            #expect(comparison.layers.count == 1)
            #expect(comparison.layers.first?.from == old && comparison.layers.first?.to == new)
            #expect(!comparison.truncated && comparison.settings.isEmpty)
            let configuration = try await ImageParts(of: to, in: fixture.blobs).manifest.configuration
            #expect(comparison.deltaBytes == new.sizeBytes + configuration.size)
        }
    }

    @Test("what a layer takes away, hides or lays over is told by what is left")
    func whiteouts() async throws {
        try await withImages { fixture in
            let base = try await fixture.layer(
                [
                    ("bin/tool", "1"), ("doc/a", "1"), ("doc/deep/b", "1"), ("etc/one", "1"), ("etc/two", "2"),
                    ("opt/x/file", "1"), ("same", "1"),
                ], kind: "base")
            let over = try await fixture.layer(
                [
                    (".wh.doc", ""), ("etc/.wh..wh..opq", ""), ("etc/three", "3"), ("bin/tool", "1"), ("bin/new", "1"),
                    ("opt/x", "a file now"), ("same", "1"),
                ], kind: "steps")
            let from = try await fixture.record("churn", [base])
            let to = try await fixture.record("churn", [base, over])
            let there = [
                "ADDED /bin/new 0 1 steps", "REMOVED /doc/a 1 0 base", "REMOVED /doc/deep/b 1 0 base",
                "REMOVED /etc/one 1 0 base", "ADDED /etc/three 0 1 steps", "REMOVED /etc/two 1 0 base",
                "ADDED /opt/x 0 10 steps", "REMOVED /opt/x/file 1 0 base",
            ]
            #expect(try await lines(compare(fixture, from, to)) == there)
            let back = try await compare(fixture, to, from)
            #expect(back.files.count == there.count && back.deltaBytes > 0)
            #expect(back.layers.count == 1 && back.layers.first?.to == nil)
        }
    }

    @Test("layers in another order are compared by what they come to")
    func order() async throws {
        try await withImages { fixture in
            let one = try await fixture.layer([("a", "1"), ("b", "same")])
            let two = try await fixture.layer([("a", "22"), ("c", "same")])
            let comparison = try await compare(
                fixture, fixture.record("churn", [one, two]), fixture.record("churn", [two, one]))
            #expect(lines(comparison) == ["CHANGED /a 2 1 models"])
            #expect(comparison.layers.isEmpty)
        }
    }

    @Test("packages and settings that differ are named with both values")
    func packagesAndSettings() async throws {
        try await withImages { fixture in
            func package(_ name: String, _ version: String, _ hash: String = "sha256:1") -> V1.LockedPackage {
                V1.LockedPackage(name: name, version: version, hash_: hash)
            }
            let layer = try await fixture.layer([("m", "1")])
            let from = try await fixture.record(
                "churn", [layer],
                packages: [
                    package("numpy", "1.0"), package("old", "3"), package("same", "1"), package("torch", "2", "cpu"),
                ]
            ) {
                $0.environment = ["PATH=/bin", "A=1"]
                $0.user = "1000"
            }
            let to = try await fixture.record(
                "churn", [layer],
                packages: [
                    package("numpy", "2.0"), package("same", "1"), package("torch", "2", "gpu"),
                    package("xgboost", "3"),
                ]
            ) {
                $0.environment = ["PATH=/bin", "A=2", "B="]
                $0.labels = ["team": "x"]
                $0.entryPoint = ["/scorer", "with space"]
                $0.user = "1000"
            }
            let comparison = try await compare(fixture, from, to)
            #expect(
                comparison.packages.map { "\($0.name) \($0.from)>\($0.to)" } == [
                    "numpy 1.0>2.0", "old 3>", "torch 2>2", "xgboost >3",
                ])
            #expect(
                comparison.settings.map { "\($0.name): \($0.from) > \($0.to)" } == [
                    "entrypoint: /scorer > /scorer \"with space\"", "env A: 1 > 2", "env B:  > ",
                    "label team:  > x",
                ])
            #expect(comparison.files.isEmpty && !comparison.truncated)
        }
    }

    @Test("more files than are listed or held are cut, and it says so")
    func limits() async throws {
        try await withImages { fixture in
            let many = try await fixture.layer((0..<10_050).map { ("d/\($0)", "x") })
            let from = try await fixture.record("churn", [])
            let to = try await fixture.record("churn", [many])
            let listed = try await compare(fixture, from, to, entriesMax: 100_000)
            #expect(listed.files.count == 10_000 && listed.truncated)
            let held = try await compare(fixture, from, to, entriesMax: 50)
            #expect(held.files.count <= 50 && held.truncated)
        }
    }

    @Test("an image that has lost a layer, or has a damaged one, is named as such")
    func damaged() async throws {
        try await withImages { fixture in
            let pin = try await fixture.blobs.put(Array("no gzip at all".utf8))
            let bad = V1.ImageLayer(
                kind: "models", digest: "\(pin.info.digest)", diffId: "\(pin.info.digest)", sizeBytes: pin.info.size)
            let good = try await fixture.record("churn", [fixture.layer([("m", "1")])])
            let damaged = try await fixture.record("churn", [bad])
            var error = await #expect(throws: RPCError.self) { _ = try await compare(fixture, good, damaged) }
            #expect(error?.code == .dataLoss)
            let lost = StoredImage(
                id: 0, image: good.image, digest: try BlobHasher.digest([9]), usesBasePython: false)
            error = await #expect(throws: RPCError.self) { _ = try await compare(fixture, good, lost) }
            #expect(error?.code == .dataLoss && error?.message.contains("churn:1") == true)
        }
    }
}
