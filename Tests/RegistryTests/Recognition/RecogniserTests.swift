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

    @Test("files that are nothing known stay unknown, however large and many")
    func unknown() async throws {
        let version = try await describe(
            [("weights.bin", [UInt8](repeating: 7, count: 3_000_000))] + (0..<50).map { ("part-\($0)", [UInt8($0)]) })
        #expect(version.format?.name == "unknown")
        #expect(version.signature?.inputs.isEmpty == true)
    }
}
