import Blobs
import DeployerTargets
import Glibc
import OCI
import Testing

/// The real thing: an image of the scorer with a model, as the image builder makes it.
@Suite("a scorer as a process", .enabled(if: ScorerParts.here != nil))
struct ScorerReplicaTests {
    @Test("serves its model on its socket, to whoever has its key, soon after its start")
    func serves() async throws {
        let place = try ProcessPlace()
        try await ConformanceCase("") { bench in
            let image = try await Self.image(bench)
            var order = try await bench.order(image)
            order.accessKey = Self.key
            var fastest = Duration.seconds(60)
            for _ in 0..<3 {
                order.id = ConformanceBench.newID()
                let begin = ContinuousClock.now
                try await bench.target.start(order)
                let replica = try await bench.observed(order.id) { $0.address != nil || $0.hasEnded }
                let visitor = ReplicaVisitor(address: try #require(replica.address, "\(replica)"))
                try await bench.wait("it is ready") { (try? visitor.status("/readyz")) == 200 }
                fastest = min(fastest, begin.duration(to: .now))
                #expect(try visitor.status("/v2/models/trees") == 401)
                #expect(try visitor.status("/v2/models/trees", key: order.accessKey) == 200)
                try await bench.target.stop(order.id, grace: .seconds(30))
                #expect(try await bench.ending(order.id).code == 0)
            }
            puts("ready \(fastest) after its start")
            #expect(fastest < .seconds(20))
        }.run(place)
    }

    /// Makes the image into the bench's store.
    private static func image(_ bench: ConformanceBench) async throws -> LocalImage {
        var parts = try #require(ScorerParts.here)
        let folder = bench.images.folder.path
        _ = try Shell.output("mkdir '\(folder)/model' && cp '\(parts.model)' '\(folder)/model/model.txt'")
        parts.model = "\(folder)/model"
        let text = """
            {"scorer": "\(parts.scorer)", "adapters": "\(parts.adapters)", "frameworks": "\(parts.frameworks)",
             "store": "\(bench.images.storePath)", "models": [{"name": "trees", "version": 1, "adapter": "lightgbm",
             "main_path": "model.txt", "folder": "\(parts.model)"}]}
            """
        guard let file = fopen("\(folder)/recipe.json", "we") else { throw ReplicaVisitor.Failure(description: folder) }
        fputs(text, file)
        fclose(file)
        let said = try Shell.output("'\(parts.maker)' '\(folder)/recipe.json'")
        let built = try #require(said.split(separator: "\n").first { $0.hasPrefix("built ") }, "\(said)")
        let digest = try #require(built.split(separator: " ").dropFirst().first.map(String.init))
        let store = bench.images.store
        func document(_ digest: BlobDigest) async throws -> [UInt8] {
            try await store.withBlob(digest) { try await $0.verifiedBytes(upTo: 1 << 22) }
        }
        let manifest = try Manifest(json: try await document(try #require(BlobDigest(digest)))[...])
        let configuration = try ImageConfiguration(json: try await document(manifest.configuration.digest)[...])
        return LocalImage(
            name: "default/trees:1", digest: digest, manifest: manifest, configuration: configuration, store: store)
    }

    /// A key of the form that scorers take, the last six being the checksum of those before.
    private static let key = "slw_d_0123456789" + String(repeating: "a", count: 43) + "0mOTHd"
}

/// What a scorer's image is made of.
struct ScorerParts {
    var maker, scorer, adapters, frameworks, model: String

    /// Nil where something is not built or fetched.
    static let here: ScorerParts? = {
        guard let maker = try? Programs.path(of: "image-maker"), let scorer = try? Programs.path(of: "scorer") else {
            return nil
        }
        let built = "/" + scorer.split(separator: "/").dropLast().joined(separator: "/")
        let root = #filePath.split(separator: "/").dropLast(4).joined(separator: "/")
        let parts = ScorerParts(
            maker: maker, scorer: scorer, adapters: built, frameworks: "/\(root)/.tools/frameworks",
            model: "/\(root)/Tests/ModelFormatsTests/Fixtures/trees.txt")
        let needed = ["\(built)/libLightGBMAdapter.so", "\(parts.frameworks)/lightgbm/lib_lightgbm.so", parts.model]
        return needed.allSatisfy { access($0, R_OK) == 0 } ? parts : nil
    }()
}
