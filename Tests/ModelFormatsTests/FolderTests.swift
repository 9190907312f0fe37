import Testing

@testable import ModelFormats

@Suite("Folders")
struct FolderTests {
    @Test("the model is picked among other files, and each file is named")
    func picked() throws {
        let model = try recognise([
            "README.md": Array("# A model\n".utf8), "sub/model.onnx": try Fixture.bytes("pipeline.onnx"),
            "scaler.pkl": Pickle().global("os", "system").stop.bytes,
            "requirements.txt": Array("a==1\n# no\n\nb\n".utf8),
        ])
        #expect(model.format == .onnx)
        #expect(model.path == "sub/model.onnx")
        #expect(model.files.map(\.format).filter { $0 != .unknown } == [.pickle, .onnx])
        #expect(model.dangerous == ["os.system"])
        #expect(model.environment.requirements == ["a==1", "b"])
    }

    @Test("a folder without a model is unknown, and its files are listed")
    func nothing() throws {
        let model = try recognise(["a.txt": Array("hello".utf8), "b.json": Array("{\"a\": 1}".utf8), "c": []])
        #expect(model.format == .unknown)
        #expect(model.files.count == 3)
        #expect(model.warnings == [])
        #expect(try recognise([:]).format == .unknown)
    }

    @Test("a file that is not what its name says is warned of")
    func mismatch() throws {
        let model = try recognise(["model.onnx": Array("<html>".utf8), "empty.pkl": []])
        #expect(model.codes == [.nameMismatch])
        #expect(model.warnings.count == 2)
    }

    @Test("of more files than are looked at, those named like models come first")
    func many() throws {
        var files = Dictionary(uniqueKeysWithValues: (0..<50).map { ("a/\($0)", [UInt8(1)]) })
        files["z/model.onnx"] = try Fixture.bytes("pipeline.onnx")
        var limits = RecognitionLimits()
        limits.filesMax = 10
        let model = try recognise(files, limits: limits)
        #expect(model.format == .onnx)
        #expect(model.codes == [.filesNotExamined])
    }

    @Test("an MLmodel that refers outside its folder, or to nothing, is warned of")
    func references() throws {
        let text =
            "flavors:\n  sklearn:\n    pickled_model: ../x.pkl\n    sklearn_version: 1.0\n  onnx:\n    data: gone.onnx\n"
        let model = try recognise(["m/MLmodel": Array(text.utf8)])
        #expect(model.format == .mlflow)
        #expect(model.codes == [.outsideReference, .missingFile])
    }

    @Test("an MLmodel that cannot be read still lets the model inside be seen")
    func brokenMLmodel() throws {
        let model = try recognise([
            "MLmodel": Array("flavors: &a\n".utf8), "model.pkl": try Fixture.bytes("pipeline-4.pkl"),
        ])
        #expect(model.format == .mlflow)
        #expect(model.codes == [.unsupported])
        #expect(model.estimator == "sklearn.pipeline.Pipeline")
    }

    @Test("the commit of a run is read from the tags beside the model")
    func gitCommit() throws {
        let model = try recognise([
            "MLmodel": Array("flavors: {}\n".utf8), "tags/mlflow.source.git.commit": Array("abc123\n".utf8),
        ])
        #expect(model.tracking.gitCommit == "abc123")
    }

    @Test("a failing read ends the recognition with its own error")
    func failing() {
        struct Failing: ModelFiles {
            let paths = ["model.onnx"]
            func size(of path: String) -> Int { 100 }
            func read(_ path: String, at offset: Int, count: Int) throws -> [UInt8] { throw Gone() }
        }
        struct Gone: Error {}
        #expect(throws: Gone.self) { try ModelRecognizer.recognise(Failing()) }
    }

    @Test("a file that is shorter than its size says is truncated, not waited for")
    func short() throws {
        struct Short: ModelFiles {
            let paths = ["model.pkl"]
            func size(of path: String) -> Int { 1000 }
            func read(_ path: String, at offset: Int, count: Int) -> [UInt8] { [] }
        }
        #expect(try ModelRecognizer.recognise(Short()).codes == [.truncated, .nameMismatch])
    }

    @Test("a danger is not crowded out by other warnings")
    func crowded() throws {
        var files = Dictionary(uniqueKeysWithValues: (0..<30).map { ("a\($0).onnx", [UInt8(1)]) })
        files["z.pkl"] = Pickle().global("os", "system").stop.bytes
        var limits = RecognitionLimits()
        limits.warningsMax = 5
        let model = try recognise(files, limits: limits)
        #expect(model.warnings.count == 6)
        #expect(model.warnings.first?.code == .dangerousImport)
    }
}
