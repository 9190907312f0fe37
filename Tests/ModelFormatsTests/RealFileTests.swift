import Testing

@testable import ModelFormats

@Suite("Files that libraries wrote")
struct RealFileTests {
    @Test("an ONNX model gives its inputs with symbolic dimensions, its outputs, opsets and metadata")
    func onnx() throws {
        let model = try recognise("by-hand.onnx")
        #expect(model.format == .onnx)
        #expect(model.formatVersion == "9")
        #expect(model.producer == "by hand")
        #expect(model.producerVersion == "1.2")
        #expect(model.opsets == ["ai.onnx": 18, "ai.onnx.ml": 3])
        #expect(model.properties["author"] == "someone")
        #expect(
            model.inputs == [
                ModelTensor("words", "BYTES", declaredType: "string", shape: [.named("batch"), 2, -1]),
                ModelTensor("ids", "INT64", declaredType: "int64", shape: [.named("batch")]),
            ])
        #expect(model.outputs.map(\.name) == ["sum", "scores"])
        #expect(model.outputs.last?.declaredType == "sequence(map(int64,float))")
    }

    @Test("weights of ONNX are listed, and a file of weights that is not there is named")
    func onnxWeights() throws {
        let model = try recognise("by-hand.onnx")
        #expect(model.weights.tensorCount == 2)
        #expect(model.weights.parameterCount == 5)
        #expect(model.codes == [.missingFile])
        let whole = try recognise(["m/a.onnx": try Fixture.bytes("by-hand.onnx"), "m/weights.bin": [1]])
        #expect(whole.warnings == [])
        #expect(whole.path == "m/a.onnx")
    }

    @Test("a converted scikit-learn model is read without a name to go by")
    func converted() throws {
        let model = try recognise(["model": try Fixture.bytes("pipeline.onnx")])
        #expect(model.format == .onnx)
        #expect(model.producer == "skl2onnx")
        #expect(model.inputs == [ModelTensor("X", "FP32", declaredType: "float", shape: [-1, 4])])
    }

    @Test("XGBoost's two documents give the same facts", arguments: ["trees.json", "trees.ubj"])
    func xgboost(_ name: String) throws {
        let model = try recognise(name)
        #expect(model.format == (name == "trees.json" ? .xgboostJSON : .xgboostUBJ))
        #expect(model.framework == "xgboost")
        #expect(model.frameworkVersion == "3.2.0")
        #expect(model.objective == "multi:softprob")
        #expect(model.classCount == 3)
        #expect(model.featureCount == 4)
        #expect(model.treeCount == 6)
        #expect(model.features == ["age", "income", "visits", "score"].map { ModelFeature($0, type: "float") })
        #expect(model.properties["base_score"]?.hasPrefix("[2.44") == true)
        #expect(model.warnings == [])
    }

    @Test("LightGBM's header gives features, classes and trees")
    func lightgbm() throws {
        let model = try recognise("trees.txt")
        #expect(model.format == .lightgbmText)
        #expect(model.formatVersion == "v4")
        #expect(model.objective == "multiclass num_class:3")
        #expect(model.classCount == 3)
        #expect(model.treeCount == 6)
        #expect(model.features.map(\.name) == ["age", "income", "visits", "score"])
        #expect(model.warnings == [])
    }

    @Test("a pickle of every protocol gives imports, class, version and feature names", arguments: 0...5)
    func pickle(_ version: Int) throws {
        let model = try recognise("pipeline-\(version).pkl")
        #expect(model.format == .pickle)
        #expect(model.framework == "sklearn")
        #expect(model.frameworkVersion == "1.9.1")
        #expect(model.featureCount == 4)
        #expect(model.features.map(\.name) == ["age", "income", "visits", "score"])
        #expect(model.importNames.contains("sklearn.linear_model._logistic.LogisticRegression"))
        #expect(model.importNames.contains("numpy._core.multiarray._reconstruct"))
        #expect(model.warnings == [])
        if version >= 2 { #expect(model.estimator == "sklearn.pipeline.Pipeline") }
    }

    @Test(
        "joblib's arrays are passed over, folded or not",
        arguments: ["pipeline.joblib", "pipeline-zlib.joblib", "pipeline-gzip.joblib", "forest.joblib"])
    func joblib(_ name: String) throws {
        let model = try recognise(name)
        #expect(model.format == .joblib)
        #expect(model.frameworkVersion == "1.9.1")
        #expect(model.features.map(\.name) == ["age", "income", "visits", "score"])
        let last =
            name == "forest.joblib" ? "sklearn.tree._tree.Tree" : "sklearn.linear_model._logistic.LogisticRegression"
        #expect(model.importNames.contains(last))
        #expect(model.warnings == [])
    }

    @Test("joblib folded by xz is recognised, and said not to have been looked at")
    func folded() throws {
        let model = try recognise("pipeline-xz.joblib")
        #expect(model.format == .joblib)
        #expect(model.codes == [.scanIncomplete])
    }

    @Test("a pickled model of XGBoost names its class")
    func pickledXGBoost() throws {
        let model = try recognise("xgboost.pkl")
        #expect(model.framework == "xgboost")
        #expect(model.estimator == "xgboost.sklearn.XGBClassifier")
        #expect(model.warnings == [])
    }

    @Test(
        "what torch wrote is told apart, with its tensors",
        arguments: [
            ("state.pt", ModelFormat.torchStateDict), ("state-legacy.pt", .torchLegacy), ("script.pt", .torchScript),
        ])
    func torch(_ name: String, _ format: ModelFormat) throws {
        let model = try recognise(name)
        #expect(model.format == format)
        #expect(model.framework == "torch")
        #expect(model.weights.tensorCount == 4)
        #expect(model.weights.parameterCount == 23)
        #expect(model.weights.tensors.first?.shape == [3, 4])
        #expect(model.weights.tensors.first?.elementType == "FP32")
        #expect(model.importNames.contains("torch._utils._rebuild_tensor_v2"))
        #expect(model.warnings == [])
    }

    @Test("safetensors gives names, types and shapes")
    func safetensors() throws {
        let model = try recognise("weights.safetensors")
        #expect(model.format == .safetensors)
        #expect(model.properties == ["format": "np"])
        #expect(
            model.weights.tensors == [
                ModelTensor("first.weight", "FP32", declaredType: "F32", shape: [3, 4]),
                ModelTensor("first.bias", "FP16", declaredType: "F16", shape: [3]),
            ])
    }

    @Test("an MLflow folder gives flavours, signature, origin and environment, and the pickle inside is scanned")
    func mlflow() throws {
        let model = try recognise("mlflow-sklearn")
        #expect(model.format == .mlflow)
        #expect(model.framework == "sklearn")
        #expect(model.frameworkVersion == "1.9.1")
        #expect(model.flavours.map(\.name) == ["python_function", "sklearn"])
        #expect(model.inputs.first == ModelTensor("age", "FP64", declaredType: "double", shape: [-1]))
        #expect(model.outputs.map(\.elementType) == ["INT64"])
        #expect(model.tracking.mlflowVersion == "3.17.2")
        #expect(model.tracking.modelUUID.count == 32)
        #expect(model.tracking.createdUTC.hasPrefix("2026-"))
        #expect(model.tracking.gitCommit == "0123456789abcdef0123456789abcdef01234567")
        #expect(model.tracking.inputExamplePath == "input_example.json")
        #expect(model.environment.pythonVersion == "3.11.7")
        #expect(model.environment.requirements == ["mlflow==3.17.2", "scikit-learn", "cloudpickle"])
        #expect(model.environment.condaChannels == ["conda-forge"])
        #expect(model.environment.buildRequirements.last == "wheel")
        #expect(model.estimator == "sklearn.pipeline.Pipeline")
        #expect(model.files.first { $0.path == "model.pkl" }?.format == .pickle)
        #expect(model.warnings == [])
    }

    @Test("an MLflow folder with a model of XGBoost has the tensors of the one and the features of the other")
    func mlflowXGBoost() throws {
        let model = try recognise("mlflow-xgboost")
        #expect(model.format == .mlflow)
        #expect(model.frameworkVersion == "3.2.0")
        #expect(model.inputs == [ModelTensor("rows", "FP32", declaredType: "float32", shape: [-1, 4])])
        #expect(model.outputs == [ModelTensor("", "FP32", declaredType: "float32", shape: [-1, 3])])
        #expect(model.objective == "multi:softprob")
        #expect(model.features.count == 4)
    }
}
