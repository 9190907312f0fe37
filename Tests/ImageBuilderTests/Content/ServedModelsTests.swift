import Testing

@testable import ImageBuilderCore

@Suite("How images serve their models")
struct ServedModelsTests {
    /// The files of the layer, as text, and where its links lead.
    private static func files(_ ingredients: ImageIngredients) throws -> [String: String] {
        try ServedModels(ingredients).layer().items.mapValues {
            switch $0.origin {
            case .bytes(let bytes): String(decoding: bytes, as: UTF8.self)
            case .link(let target): "-> \(target)"
            default: ""
            }
        }
    }

    private static func model(
        _ name: String, _ version: Int, adapter: String = "onnxruntime", main: String = "model.onnx"
    ) async throws -> ModelIngredient {
        ModelIngredient(
            name: name, version: version, digest: "", format: "onnx", mainPath: main, adapter: adapter, files: [])
    }

    @Test("a version is served by the adapter and from the file that were chosen for it")
    func one() async throws {
        let files = try Self.files(.of(try await Self.model("wine", 3)))
        #expect(
            files == [
                "slipway/models/wine/slipway.json":
                    #"{"adapter":"onnxruntime","file":"model.onnx","versions":[3]}"#
            ])
    }

    @Test("several versions of a model are all served, each as was chosen for it")
    func versions() async throws {
        let files = try Self.files(
            .of(try await Self.model("wine", 3), try await Self.model("wine", 2, adapter: "python", main: "")))
        #expect(
            files == [
                "slipway/models/wine/slipway.json": #"{"versions":[2,3]}"#,
                "slipway/models/wine/3/slipway.json": #"{"adapter":"onnxruntime","file":"model.onnx"}"#,
                "slipway/models/wine/2/slipway.json": #"{"adapter":"python","options":{"allow_pickle":"true"}}"#,
            ])
    }

    @Test("a script bears the name of its model, and finds its files")
    func script() async throws {
        var ingredients = ImageIngredients.of(try await Self.model("churn", 4))
        ingredients.entry = "src/score.py"
        #expect(ServedModels.folder(ingredients) == "/slipway/served")
        #expect(
            try Self.files(ingredients) == [
                "slipway/served/churn/4": "-> /slipway/source",
                "slipway/served/churn/slipway.json":
                    #"{"adapter":"python","options":{"entry":"src/score.py","#
                    + #""env.AZUREML_MODEL_DIR":"/slipway/models/churn/4","#
                    + #""env.SLIPWAY_MODEL_DIR":"/slipway/models/churn/4"},"versions":[4]}"#,
            ])
    }

    @Test("a script for several models bears its own name, and finds all of them")
    func scriptOfSeveral() async throws {
        var ingredients = ImageIngredients.of(try await Self.model("a", 1), try await Self.model("b", 2))
        ingredients.entry = "score.py"
        let files = try Self.files(ingredients)
        #expect(files["slipway/served/score/1"] == "-> /slipway/source")
        #expect(
            files["slipway/served/score/slipway.json"]?.contains(#""env.AZUREML_MODEL_DIR":"/slipway/models""#) == true)
    }
}
