import ResourceKit
import Contracts
import Loop
import RPC
import Testing

@testable import Access
@testable import Blobs
@testable import Journal
@testable import Postgres
@testable import RegistryCore

@Suite("registering", .timeLimit(.minutes(5))) struct RegisterTests {
    @Test("the first version is 1, and the same bytes again are 2, with everything that was said of each")
    func counting() async throws {
        try await withModels { lab in
            let first = try await lab.register("churn") { request in
                request.description = "the first"
                request.tags = ["team": "growth"]
                request.properties = ["seed": "7"]
                request.metrics = ["auc": 0.91]
                request.license = "Apache-2.0"
                request.aliases = ["champion"]
                request.format = Models.ModelFormat(name: "onnx", framework: "scikit-learn", frameworkVersion: "1.5")
                request.origin = Models.Origin(
                    run: "r1", experiment: "e1",
                    git: Models.Git(
                        repository: "https://ada:secret@host/repo?token=x", branch: "main", commit: "abc", dirty: true),
                    datasets: ["datasets/d:3"])
            }
            #expect(first.version == 1 && first.uri == "models:/churn/1" && first.createdBy == "person:ada")
            #expect(first.origin?.git?.repository == "https://host/repo")
            #expect(first.files.map(\.path) == ["model.bin"] && first.sizeBytes == 7 && first.revision == 1)
            let read = try await lab.get("models:/churn/1")
            #expect(read == first)
            let second = try await lab.register("churn")
            #expect(second.version == 2 && second.digest == first.digest && second.files == first.files)
            let model = try await lab.models.getModel(Models.GetModelRequest(name: "churn"))
            #expect(model.latestVersion == 2 && model.versionCount == 2 && model.aliases.map(\.version) == [1])
            let sets = try await lab.fixture.pool.query("SELECT count(*) FROM registry.file_sets").all(Int.self)
            let uploads = try await lab.fixture.pool.query("SELECT count(*) FROM registry.uploads WHERE done").all(
                Int.self)
            // The second upload of the same bytes was not needed, and is left for whoever cleans up.
            #expect(sets == [1] && uploads == [1])
        }
    }

    @Test("each registration has its row of the journal, with who, why and what")
    func journal() async throws {
        try await withModels { lab in
            try await lab.register("churn") { request in
                request.reason = "weekly"
                request.tags = ["team": "growth"]
                request.aliases = ["champion"]
            }
            let actions = try await lab.fixture.actions()
            #expect(Set(actions) == ["model.registered models/churn:1", "model.alias-set models/churn@champion"])
            let entries = try await lab.fixture.entries()
            let entry = try #require(entries.first { $0.action == "model.registered" })
            #expect(entry.actor == "person:ada" && entry.workspace == "lab" && entry.reason == "weekly")
            #expect(entry.after?.text.contains("\"team\": \"growth\"") == true)
            #expect(entry.after?.text.contains("\"version\": 1") == true)
        }
    }

    @Test("50 clients that register one name 40 times each get each number once, and nothing fails")
    func concurrency() async throws {
        try await withModels(connections: 25) { lab in
            let request = try await lab.request("churn")
            let numbers = try await withThrowingTaskGroup(of: [Int32].self) { group in
                for _ in 0..<50 {
                    group.addTask {
                        var numbers: [Int32] = []
                        for _ in 0..<40 { numbers.append(try await lab.models.register(request).version) }
                        return numbers
                    }
                }
                return try await group.reduce(into: []) { $0 += $1 }
            }
            #expect(numbers.sorted() == Array(1...2000))
            let model = try await lab.models.getModel(Models.GetModelRequest(name: "churn"))
            #expect(model.latestVersion == 2000 && model.versionCount == 2000)
            let rows = try await lab.fixture.pool.query(
                "SELECT count(DISTINCT subject), count(*) FROM journal.entries WHERE action = 'model.registered'"
            ).all((Int, Int).self)
            #expect(rows.first?.0 == 2000 && rows.first?.1 == 2000)
        }
    }

    @Test("a request that is repeated registers once, also when both come at the same moment")
    func repeated() async throws {
        try await withModels { lab in
            let request = try await lab.request("churn") { request in
                request.requestId = "draw-1"
                request.tags = ["a": "1", "b": "2", "c": "3"]
            }
            let versions = try await withThrowingTaskGroup(of: Models.ModelVersion.self) { group in
                for _ in 0..<10 { group.addTask { try await lab.models.register(request) } }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            #expect(Set(versions).count == 1 && versions.first?.version == 1)
            var other = request
            other.description = "another"
            let error = await failure { _ = try await lab.models.register(other) }
            #expect(error?.code == .alreadyExists)
            #expect(error?.message.contains("request_id \"draw-1\" was used for another request") == true)
            // Nothing was left of what was refused: the next number is the next.
            let next = try await lab.register("churn")
            #expect(next.version == 2)
        }
    }

    @Test("bytes that the workspace did not bring are lacking, whoever else has them")
    func lacking() async throws {
        try await withModels { lab in
            let foreign = try await lab.fixture.upload("theirs", to: lab.fixture.attic)
            let absent = try BlobHasher.digest(Array("nowhere".utf8))
            let there = try await lab.file("there", "ours")
            let request = Models.RegisterRequest(
                name: "churn",
                files: [
                    Models.ModelFile(path: "a", digest: "\(foreign)"), Models.ModelFile(path: "b", digest: "\(absent)"),
                    there,
                ])
            let error = await failure { _ = try await lab.models.register(request) }
            #expect(error?.code == .failedPrecondition)
            #expect(error?.message.hasPrefix("2 of 3 blobs are lacking") == true)
            #expect(Set(error?.unmet ?? []) == ["BLOB_MISSING \(foreign)", "BLOB_MISSING \(absent)"])
            let model = await failure { _ = try await lab.models.getModel(Models.GetModelRequest(name: "churn")) }
            #expect(model?.code == .notFound)
            let actions = try await lab.fixture.actions()
            #expect(actions.isEmpty)
        }
    }

    @Test("a size that is not the blob's is refused, and one that is not said is filled in")
    func sizes() async throws {
        try await withModels { lab in
            let wrong = try await lab.request("churn", "weights") { $0.files[0].sizeBytes = 5 }
            let error = await failure { _ = try await lab.models.register(wrong) }
            #expect(
                error?.violations == ["files.size_bytes: \"model.bin\" is said to have 5 bytes; its blob has 7"])
            let version = try await lab.register("churn", "weights") { $0.files[0].sizeBytes = 0 }
            #expect(version.sizeBytes == 7 && version.files.first?.sizeBytes == 7)
            // And again where the files are known.
            let known = await failure { _ = try await lab.models.register(wrong) }
            #expect(known?.code == .invalidArgument)
        }
    }

    @Test("what the files tell is asked once for each set of files, and what the caller says counts more")
    func recognised() async throws {
        let asked = Lock(0)
        let recogniser = ModelRecogniser(generation: 1) { files in
            asked.withLock { $0 += 1 }
            var facts = Models.ModelVersion()
            facts.format = Models.ModelFormat(name: "onnx", framework: "pytorch", details: ["opset": "17"])
            facts.signature = Models.Signature(inputs: [Models.TensorDescription(name: "x", datatype: "FP32")])
            facts.warnings = [Models.Warning(code: "test", path: files.first?.path ?? "")]
            facts.license = "MIT"
            return facts
        }
        try await withModels(recogniser: recogniser) { lab in
            let first = try await lab.register("churn")
            #expect(first.format?.name == "onnx" && first.warnings.map(\.path) == ["model.bin"])
            let second = try await lab.register("churn") { request in
                request.format = Models.ModelFormat(framework: "keras", frameworkVersion: "3")
                request.license = "Apache-2.0"
            }
            #expect(second.format?.name == "onnx" && second.format?.framework == "keras")
            #expect(second.format?.details == ["opset": "17"] && second.license == "Apache-2.0")
            #expect(second.signature?.inputs.first?.name == "x")
            #expect(asked.withLock { $0 } == 1)
            let wiser = RegistryStore(
                lab.fixture.pool, blobs: lab.fixture.blobs,
                recogniser: ModelRecogniser(generation: 2) { _ in Models.ModelVersion(license: "BSD") })
            let change = RegistryChange(lab.fixture.lab, actor: "system:test")
            let third = try await wiser.register(try await lab.request("churn"), by: change)
            #expect(third.license == "BSD" && third.digest == first.digest)
        }
    }

    @Test("a model of 20,000 files is registered whole, and comes back in the order of its paths")
    func manyFiles() async throws {
        try await withModels { lab in
            let one = try await lab.file("x", "same")
            var request = Models.RegisterRequest(name: "big")
            request.files = (0..<20_000).map { number in
                var file = one
                file.path = "part-\(number % 7)/file-\(number)"
                return file
            }
            let version = try await lab.models.register(request)
            let read = try await lab.get("big/1")
            #expect(read.files.count == 20_000 && read.files == version.files && read.sizeBytes == 80_000)
        }
    }

    @Test("a parent has to be there")
    func parents() async throws {
        try await withModels { lab in
            try await lab.register("base")
            let child = try await lab.register("tuned") { $0.origin = Models.Origin(parents: ["base:1"]) }
            #expect(child.origin?.parents == ["models:/base/1"])
            let request = try await lab.request("tuned") { $0.origin = Models.Origin(parents: ["base/1", "base/9"]) }
            let error = await failure { _ = try await lab.models.register(request) }
            #expect(
                error?.violations == ["origin.parents: there is no version base:9 in the workspace \"lab\""])
        }
    }
}
