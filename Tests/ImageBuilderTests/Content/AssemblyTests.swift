import Blobs
import Loop
import OCI
import Testing

@testable import ImageBuilderCore

@Suite("Images")
struct AssemblyTests {
    @Test("the same ingredients and programs give one digest, in another store and out of another folder")
    func reproducible() async throws {
        let first = try Workshop()
        let one = try await first.assemble(.of(first.model(), first.model("other", 2)))
        let second = try Workshop()
        let other = try await second.assemble(.of(second.model(), second.model("other", 2)))
        #expect(one.manifest == other.manifest)
        #expect(one.layers.map(\.contents) == other.layers.map(\.contents))
    }

    @Test("layers go from what changes least to what changes most, and the configuration names each by its contents")
    func order() async throws {
        let shop = try Workshop()
        var ingredients = ImageIngredients.of(try await shop.model())
        ingredients.source = try await shop.tree(["score.py": "def run(data): return data"])
        ingredients.assets = [AssetIngredient(tree: try await shop.tree(["a.txt": "a"]), path: "/opt/data")]
        ingredients.steps = [.copy(from: "score.py", to: "/srv/")]
        let image = try await shop.assemble(ingredients)
        #expect(image.layers.map(\.kind) == [.base, .runtime, .adapters, .source, .models, .models, .steps])
        let manifest = try Manifest(json: try await shop.bytes(image.manifest.digest)[...])
        let configuration = try await shop.configuration(image)
        #expect(manifest.layers == image.layers.map(\.descriptor))
        #expect(configuration.layerContents == image.layers.map(\.contents))
        #expect(configuration.history.count == image.layers.count)
        #expect(image.modelPaths == ["/slipway/models/wine/1"])
        for layer in image.layers {
            let hasher = try BlobHasher()
            let gzip = try GzipReader(limit: 1 << 30)
            try gzip.read(try await shop.bytes(layer.descriptor.digest)[...]) { piece in
                piece.withUnsafeBytes { hasher.update($0) }
            }
            #expect(try hasher.finish() == layer.contents)
        }
        #expect(Set(image.pins.map(\.info.digest)).isSuperset(of: image.layers.map(\.descriptor.digest)))
    }

    @Test("a second image takes every layer as it is; another model changes the models' layers alone")
    func reuse() async throws {
        let shop = try Workshop()
        let memory = Remembering()
        let first = try await shop.assemble(.of(shop.model()), memory: memory)
        #expect(first.layers.allSatisfy { !$0.isReused })
        let again = try await shop.assemble(.of(shop.model()), memory: memory)
        #expect(again.layers.allSatisfy { $0.isReused })
        #expect(again.manifest == first.manifest)
        let other = try await shop.assemble(.of(shop.model("wine", 2, "other weights")), memory: memory)
        #expect(other.layers.filter { !$0.isReused }.map(\.kind) == [.models, .models])
        let anew = try await shop.assemble(.of(shop.model()), memory: nil)
        #expect(anew.manifest == first.manifest && anew.layers.allSatisfy { !$0.isReused })
    }

    @Test("a layer that is remembered and gone from the store is written again")
    func forgotten() async throws {
        let memory = Remembering()
        let shop = try Workshop()
        let first = try await shop.assemble(.of(shop.model()), memory: memory)
        let empty = try Workshop()
        let second = try await empty.assemble(.of(empty.model()), memory: memory)
        #expect(second.manifest == first.manifest)
        #expect(second.layers.allSatisfy { !$0.isReused })
    }

    @Test("a program that changed makes another layer of the runtime")
    func changedProgram() async throws {
        let shop = try Workshop()
        let memory = Remembering()
        _ = try await shop.assemble(.of(shop.model()), memory: memory)
        try Workshop.shell("cp -L /bin/cat '\(shop.materials.scorer)'")
        let changed = try await shop.assemble(.of(shop.model()), memory: memory)
        #expect(changed.layers.filter { !$0.isReused }.map(\.kind) == [.runtime])
    }

    @Test("an image has the adapters that its models need, their frameworks, and no others")
    func adapters() async throws {
        let shop = try Workshop()
        let image = try await shop.assemble(.of(shop.model(), shop.model("trees", 1, "t", adapter: "xgboost")))
        var names: [String] = []
        for layer in image.layers where layer.kind == .adapters { names += try await shop.listing(layer) }
        let paths = names.compactMap { $0.split(separator: " ").last }.filter {
            $0.hasSuffix(".so") || $0.hasSuffix(".so.1")
        }
        #expect(paths.contains("slipway/frameworks/onnxruntime/libonnxruntime.so.1"))
        #expect(paths.contains("slipway/frameworks/xgboost/libxgboost.so.1"))
        #expect(paths.contains("slipway/adapters/libXGBoostAdapter.so"))
        #expect(!paths.contains { $0.contains("Python") })
    }

    @Test("what an image can't have is refused with what there is")
    func refusals() async throws {
        let shop = try Workshop()
        func code(_ change: (inout ImageIngredients) async throws -> Void) async throws -> String {
            var ingredients = ImageIngredients.of(try await shop.model())
            try await change(&ingredients)
            do {
                _ = try await shop.assemble(ingredients)
                return "nothing"
            } catch let failure as BuildFailure {
                return failure.code
            }
        }
        #expect(try await code { $0.models = [] } == "models.none")
        #expect(try await code { $0.models += $0.models } == "models.twice")
        #expect(try await code { $0.models[0].adapter = "tensorflow" } == "adapter.missing")
        #expect(try await code { $0.models[0].adapter = "python" } == "python.missing")
        #expect(try await code { $0.models[0].name = "../up" } == "model.name")
        #expect(try await code { $0.models[0].files[0].path = "../../../etc/passwd" } == "layer.path")
        #expect(try await code { $0.gpu = true } == "gpu.missing")
        #expect(try await code { $0.entry = "score.py" } == "python.missing")
        #expect(try await code { $0.platform.architecture = "s390x" } == "image.platform")
        #expect(
            try await code {
                $0.entry = "other.py"
                $0.base = try await shop.base(LayerContents())
                $0.source = try await shop.tree(["score.py": ""])
            } == "entry.missing")
    }

    @Test("containers start the scorer as nobody in particular, ask it for its health, and know where it came from")
    func configuration() async throws {
        let shop = try Workshop()
        var ingredients = ImageIngredients.of(try await shop.model())
        ingredients.models[0].run = "run-7"
        ingredients.models[0].commit = "0f1e2d"
        ingredients.variables = ["LEVEL": "7"]
        let image = try await shop.assemble(ingredients)
        let configuration = try await shop.configuration(image)
        #expect(configuration.user == "65532:65532")
        #expect(configuration.entryPoint == ["/slipway/bin/scorer", "serve"])
        #expect(configuration.healthCheck?.test == ["CMD", "/slipway/bin/scorer", "ready"])
        #expect(configuration.exposedPorts == ["8080/tcp"])
        #expect(configuration.stopSignal == "SIGTERM")
        #expect(configuration.environment.contains("LEVEL=7"))
        #expect(configuration.environment.contains("SCORER_MODELS=/slipway/models"))
        #expect(configuration.environment == configuration.environment.sorted())
        let manifest = try Manifest(json: try await shop.bytes(image.manifest.digest)[...])
        for facts in [manifest.annotations, configuration.labels] {
            #expect(facts["slipway.models"] == "wine:1")
            #expect(facts["slipway.model.wine.1.run"] == "run-7")
            #expect(facts["org.opencontainers.image.revision"] == "0f1e2d")
        }
    }
}
