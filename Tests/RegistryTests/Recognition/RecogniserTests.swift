import Blobs
import Contracts
import Glibc
import Loop
import Testing

@testable import RegistryCore

@Suite("What the files of a version say of themselves")
struct RecogniserTests {
    private func describe(
        _ files: [(path: String, bytes: [UInt8])]
    ) async throws -> Slipway.Models.V1.ModelVersion {
        let store = MemoryBlobStore()
        var list: [Slipway.Models.V1.ModelFile] = []
        for file in files {
            let info = try await store.put(file.bytes).info
            list.append(.init(path: file.path, digest: "\(info.digest)", sizeBytes: info.size))
        }
        let pool = ComputePool(threads: 1, name: "formats")
        try pool.start()
        defer { pool.stop() }
        return try await ModelRecogniser.formats(in: store, on: pool).describe(list)
    }

    @Test("a LightGBM file tells its format, objective and features")
    func trees() async throws {
        let text = """
            tree
            version=v4
            num_class=1
            num_tree_per_iteration=1
            label_index=0
            max_feature_idx=1
            objective=binary sigmoid:1
            feature_names=age income
            feature_infos=[18:90] [0:100000]

            """
        let version = try await describe([("model.txt", Array(text.utf8))])
        #expect(version.format?.name == "lightgbm-text" && version.format?.mainPath == "model.txt")
        #expect(version.format?.details["objective"]?.hasPrefix("binary") == true)
        #expect(version.signature?.features == ["age", "income"])
    }

    @Test("a pickle that would run a command is told apart, and what it would import is listed")
    func dangerousPickle() async throws {
        let bytes: [UInt8] = Array("cos\nsystem\n(S'true'\ntR.".utf8)
        let version = try await describe([("model.pkl", bytes)])
        #expect(version.format?.name == "pickle")
        #expect(version.warnings.contains { $0.code == "pickle.dangerous-import" })
        #expect(version.warnings.first { $0.code == "pickle.imports" }?.items == ["os.system"])
    }

    @Test("names in a file that no column could hold are no names, and the model can be registered all the same")
    func namesThatDoNotFit() async throws {
        let commit = String(repeating: "c", count: 5000)
        let text = """
            run_id: "r\\0n"
            mlflow_version: 2.9.0
            model_uuid: 11112222333344445555666677778888
            flavors:
              python_function:
                loader_module: mlflow.sklearn
            git_commit: \(commit)
            source_git_commit: \(commit)
            """
        let version = try await describe([("MLmodel", Array(text.utf8))])
        #expect(version.format?.details["mlflow_version"] == "2.9.0")
        #expect(version.origin?.run == "" && version.origin?.git?.commit ?? "" == "")
    }

    @Test("of what a file says without end a part is kept, and a warning tells what is not")
    func endlessFacts() {
        var version = Slipway.Models.V1.ModelVersion()
        version.signature = .init(features: (0..<200_000).map { "feature number \($0)" })
        version.format = .init(name: "pickle", details: ["requirements": String(repeating: "x", count: 2 << 20)])
        version.warnings = [
            .init(
                code: "pickle.imports", message: "loading it would import these",
                items: (0..<100_000).map { "module.number.\($0)" })
        ]
        let bounded = version.bounded()
        #expect(bounded.encodedSize < 3 << 20)
        #expect(bounded.format?.name == "pickle" && bounded.format?.details == [:])
        #expect(bounded.signature?.features == [])
        let imports = bounded.warnings.first
        let kept = imports?.items.count ?? 0
        #expect(kept > 10_000 && imports?.message == "loading it would import these, and \(100_000 - kept) more")
        #expect(bounded.warnings.last?.message == "too large to be kept: the signature, the details of the format")
    }

    @Test("files that are nothing known stay unknown, however large and many")
    func unknown() async throws {
        let version = try await describe(
            [("weights.bin", [UInt8](repeating: 7, count: 3_000_000))] + (0..<50).map { ("part-\($0)", [UInt8($0)]) })
        #expect(version.format?.name == "unknown")
        #expect(version.signature?.inputs.isEmpty == true)
    }
}
