import Contracts
import Protobuf
import RPC
import Tar
import Testing

@testable import Access
@testable import Activities
@testable import Blobs
@testable import Identity
@testable import ImageBuilderCore
@testable import Postgres

@Suite("builds")
struct BuildTests {
    @Test("a build brings its models, records one image with its number, and is written down")
    func builds() async throws {
        try await withBuilder { builder in
            try await builder.register("churn")
            let id = try await builder.build("svc", ["churn/latest"]) {
                $0.tags = ["team": "risk"]
                $0.aliases = ["production"]
                $0.reason = "the first"
            }
            let activity = try await builder.finish(id)
            #expect(activity.state == .succeeded)
            let image = try await builder.images.getImage(.init(image: "svc@production"))
            #expect(activity.result?.text == "{\"image\": \"svc:1\", \"digest\": \"\(image.digest)\"}")
            #expect(image.version == 1)
            #expect(image.recipe?.models == ["churn:1"])
            #expect(image.models.map(\.adapter) == ["onnxruntime"])
            #expect(image.tags == ["team": "risk"])
            #expect(image.build == "\(id)")
            #expect(image.createdBy == "person:ada")
            #expect(try await builder.journal("image.built") == ["images/svc:1"])
            #expect(try await builder.journal("image.alias-set") == ["images/svc@production"])
            // A second one counts on, and finds the layers.
            let again = try await builder.finish(try await builder.build())
            #expect(again.result?.text.contains("svc:2") == true)
            #expect(try await builder.images.getImage(.init(image: "svc:2")).layers.first?.reused == true)
        }
    }

    @Test("while a build is under way and after it, the models in it can't be deleted")
    func protectsModels() async throws {
        try await withBuilder { builder in
            try await builder.register("churn")
            let id = try await builder.build()
            // The registry knows of the build before anything is brought.
            try await builder.tell()
            #expect(try await builder.users(of: "churn:1") == ["images/svc:build-\(id)"])
            let error = await failure { _ = try await builder.models.deleteVersion(.init(version: "churn:1")) }
            #expect(error?.code == .failedPrecondition)
            _ = try await builder.finish(id)
            try await builder.tell()
            #expect(try await builder.users(of: "churn:1") == ["images/svc:1"])
            _ = try await builder.images.deleteImage(.init(image: "svc:1"))
            try await builder.tell()
            #expect(try await builder.users(of: "churn:1") == [])
            _ = try await builder.images.restoreImage(.init(image: "svc:1"))
            try await builder.tell()
            #expect(try await builder.users(of: "churn:1") == ["images/svc:1"])
            #expect(try await builder.count("builds") == 0)
        }
    }

    @Test("a model that was deleted before the build held it fails the build, which then uses nothing")
    func modelGone() async throws {
        try await withBuilder { builder in
            try await builder.register("churn")
            let id = try await builder.build()
            _ = try await builder.models.deleteVersion(.init(version: "churn:1"))
            let activity = try await builder.finish(id)
            #expect(activity.state == .failed)
            #expect(activity.failure?.code == "model.missing")
            try await builder.tell()
            #expect(try await builder.users(of: "churn:1") == [])
            #expect(try await builder.count("images") == 0)
            #expect(try await builder.count("builds") == 0)
            #expect(try await builder.count("reports") == 0)
        }
    }

    @Test("a report that the registry can't take is repeated until it is accepted, the image's before the build's end")
    func reportsAfterOutage() async throws {
        try await withBuilder { builder in
            try await builder.register("churn")
            let id = try await builder.build()
            try await builder.tell()
            builder.outage.begin("ReportUse")
            _ = try await builder.finish(id)
            #expect(try await builder.parts.reporter.sweep() == 0)
            // Nothing was told, so the build still holds the model.
            #expect(try await builder.users(of: "churn:1") == ["images/svc:build-\(id)"])
            builder.outage.end()
            try await builder.pool.execute("UPDATE images.reports SET due = now()")
            try await builder.tell()
            #expect(try await builder.users(of: "churn:1") == ["images/svc:1"])
        }
    }

    @Test("what can be found wrong is refused before there is an activity")
    func refusals() async throws {
        try await withBuilder { builder in
            try await builder.register("churn")
            try await builder.register("odd", format: "gguf")
            func refused(_ change: @escaping (inout Images.BuildRequest) -> Void) async -> RPCError? {
                await failure { _ = try await builder.build("svc", ["churn:1"], change) }
            }
            #expect(await refused { $0.recipe?.models = ["chrun:1"] }?.code == .notFound)
            #expect(await refused { $0.recipe?.models = [] }?.fields == ["recipe.models"])
            #expect(await refused { $0.recipe?.models = ["odd:1"] }?.reasons == ["model.format"])
            #expect(await refused { $0.recipe?.adapters = ["churn": "xgboost"] }?.reasons == ["model.format"])
            #expect(await refused { $0.recipe?.adapters = ["churn": "xgbost"] }?.code == .invalidArgument)
            #expect(await refused { $0.recipe?.entry = "score.py" }?.fields == ["recipe.entry"])
            #expect(
                await refused { $0.recipe?.source = "sha256:" + String(repeating: "0", count: 64) }?.code == .notFound)
            #expect(await refused { $0.name = "SVC" }?.fields == ["name"])
            #expect(await refused { $0.aliases = ["latest"] }?.fields == ["aliases[0]"])
            let tree = try await builder.upload(
                [TarEntry(path: "score.py"), TarEntry(path: "env.txt")],
                ["score.py": "def walk(): pass", "env.txt": "conda-only"])
            #expect(
                await refused {
                    $0.recipe?.source = tree.digest
                    $0.recipe?.entry = "score.py"
                }?.reasons == ["entry.run"])
            #expect(
                await refused {
                    $0.recipe?.source = tree.digest
                    $0.recipe?.dependencies = "env.txt"
                }?.reasons == ["dependencies.conda"])
            #expect(
                await refused {
                    $0.recipe?.source = tree.digest
                    $0.recipe?.entry = "run.py"
                }?.reasons == ["source.file"])
            #expect(try await builder.count("builds") == 0)
        }
    }

    @Test("a repeated request gets the first one's activity, and another one under its name is refused")
    func requestOnce() async throws {
        try await withBuilder { builder in
            try await builder.register("churn")
            let first = try await builder.build { $0.requestId = "r1" }
            let activity = try await builder.finish(first)
            #expect(activity.state == .succeeded)
            #expect(try await builder.build { $0.requestId = "r1" } == first)
            let error = await failure { _ = try await builder.build("other") { $0.requestId = "r1" } }
            #expect(error?.code == .alreadyExists)
            #expect(try await builder.count("images") == 1)
        }
    }

    @Test("a script is served by Python, with an environment of its own")
    func script() async throws {
        try await withBuilder { builder in
            try await builder.register("churn", format: "pickle")
            let tree = try await builder.upload(
                [TarEntry(path: "score.py"), TarEntry(path: "requirements.txt")],
                ["score.py": "def run(data): pass", "requirements.txt": "numpy"])
            let id = try await builder.build {
                $0.recipe?.source = tree.digest
                $0.recipe?.entry = "score.py"
                $0.recipe?.dependencies = "requirements.txt"
            }
            #expect(try await builder.finish(id).state == .succeeded)
            let image = try await builder.images.getImage(.init(image: "svc:1"))
            #expect(image.models.map(\.adapter) == ["python"])
            #expect(image.environment?.python == "3.11.2")
            // The tree stays for as long as the image does.
            #expect(try await builder.count("image_sources") == 1)
        }
    }

    @Test("bytes that are not what the registry named fail the build, and are not kept")
    func damagedModel() async throws {
        try await withBuilder { builder in
            let version = try await builder.register("churn", "weights")
            let digest = try #require(BlobDigest(version.files[0].digest))
            builder.registryBlobs.state.withLock { $0.blobs[digest]?.bytes = Array("WEIGHTS".utf8) }
            let activity = try await builder.finish(try await builder.build())
            #expect(activity.failure?.code == "model.damaged")
            #expect(try await builder.fixture.blobs.stat(digest) == nil)
        }
    }

    @Test("a verification builds anew and says whether it is the same")
    func verifies() async throws {
        try await withBuilder { builder in
            try await builder.register("churn")
            _ = try await builder.finish(try await builder.build())
            func verify() async throws -> Activity {
                let started = try await builder.images.verify(.init(image: "svc:1"))
                return try await builder.finish(try #require(PostgresUUID(started.id)))
            }
            let same = try await verify()
            #expect(same.result?.text.contains("\"same\": true") == true)
            builder.assembler.noise.withLock { $0 = "another clock" }
            let other = try await verify()
            #expect(other.result?.text.contains("\"same\": false") == true)
            #expect(other.result?.text.contains("\"kind\": \"models\"") == true)
            #expect(other.result?.text.contains("\"path\": \"/svc:1\"") == true, "\(other.result?.text ?? "")")
        }
    }

    @Test("four builders share forty builds, and each is built once")
    func shared() async throws {
        try await withBuilder { builder in
            try await builder.register("churn")
            var ids: [PostgresUUID] = []
            for number in 0..<40 { ids.append(try await builder.build("svc") { $0.requestId = "r\(number)" }) }
            let workers = (0..<4).map { builder.worker("builder \($0)", concurrency: 2) }
            try await builder.withWorkers(workers) { for id in ids { _ = try await builder.ended(id) } }
            #expect(try await builder.count("images") == 40)
            let last = try await builder.images.getImage(.init(image: "svc/latest"))
            #expect(last.version == 40)
            #expect(builder.assembler.assembled.load(ordering: .relaxed) == 40)
            try await builder.tell()
            #expect(try await builder.users(of: "churn:1").count == 40)
        }
    }
}
