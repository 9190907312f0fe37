import Contracts
import RPC
import Testing

@testable import Postgres
@testable import RegistryCore

@Suite("lineage", .timeLimit(.minutes(5))) struct LineageTests {
    private func use(
        _ lab: ModelFixture, _ user: String, _ versions: [String], images: [String] = [], state: String = "",
        generation: Int64 = 1
    ) async throws -> Bool {
        let kind: Models.NodeKind = user.hasPrefix("images/") ? .image : .deployment
        return try await lab.lineage.reportUse(
            Models.ReportUseRequest(
                user: user, kind: kind, versions: versions, images: images, state: state, generation: generation)
        ).accepted
    }

    @Test("the graph shows what a version came from and where it went, and nothing beside it")
    func graph() async throws {
        try await withModels { lab in
            try await lab.register("base") { $0.origin = Models.Origin(run: "r0", datasets: ["datasets/d:1"]) }
            try await lab.register("tuned") { request in
                request.origin = Models.Origin(
                    run: "r1", git: Models.Git(repository: "https://host/r", commit: "abc"), datasets: ["datasets/d:1"],
                    parents: ["base/1"])
            }
            try await lab.register("other") { $0.origin = Models.Origin(datasets: ["datasets/d:1"]) }
            try await lab.register("small") { $0.origin = Models.Origin(parents: ["tuned/1"]) }
            _ = try await use(lab, "images/tuned:1", ["tuned/1"], state: "built")
            _ = try await use(lab, "deployments/live", ["small/1"], images: ["images/tuned:1"], state: "healthy")
            let graph = try await lab.lineage.graph(Models.LineageRequest(version: "tuned/latest"))
            #expect(graph.nodes.first?.id == "models/tuned:1" && !graph.truncated)
            #expect(
                graph.nodes.map { "\($0.id) \($0.state)" }.sorted() == [
                    "datasets/d:1 ", "deployments/live healthy", "https://host/r@abc ", "images/tuned:1 built",
                    "models/base:1 ", "models/small:1 ", "models/tuned:1 ", "runs/r0 ", "runs/r1 ",
                ])
            let kinds = Dictionary(uniqueKeysWithValues: graph.nodes.map { ($0.id, $0.kind) })
            #expect(kinds["runs/r1"] == .run && kinds["https://host/r@abc"] == .commit)
            #expect(kinds["datasets/d:1"] == .dataset && kinds["images/tuned:1"] == .image)
            #expect(kinds["deployments/live"] == .deployment && kinds["models/base:1"] == .model)
            #expect(
                graph.edges.map { "\($0.from) \($0.relation) \($0.to)" }.sorted() == [
                    "datasets/d:1 trained-on models/base:1", "datasets/d:1 trained-on models/tuned:1",
                    "https://host/r@abc trained-from models/tuned:1", "images/tuned:1 served deployments/live",
                    "models/base:1 derived models/tuned:1", "models/small:1 served deployments/live",
                    "models/tuned:1 derived models/small:1", "models/tuned:1 packed images/tuned:1",
                    "runs/r0 produced models/base:1", "runs/r1 produced models/tuned:1",
                ])
            let near = try await lab.lineage.graph(Models.LineageRequest(version: "tuned/1", depth: 1))
            #expect(near.truncated && near.nodes.count == 7)
        }
    }

    @Test("a chain longer than the depth, and a fan wider than 1,000, are cut and said to be")
    func truncation() async throws {
        try await withModels { lab in
            try await lab.register("chain")
            for number in 1..<15 {
                try await lab.register("chain") { $0.origin = Models.Origin(parents: ["chain/\(number)"]) }
            }
            let chain = try await lab.lineage.graph(Models.LineageRequest(version: "chain/15"))
            #expect(chain.nodes.count == 11 && chain.truncated)
            let whole = try await lab.lineage.graph(Models.LineageRequest(version: "chain/15", depth: 14))
            #expect(whole.nodes.count == 15 && !whole.truncated)
            for group in 0..<12 {
                let inserted = try await lab.fixture.pool.execute(
                    """
                    INSERT INTO registry.origins (version, workspace, relation, origin)
                    SELECT v.id, v.workspace, 'dataset', 'datasets/' || \(group) || '-' || n
                    FROM registry.versions AS v, generate_series(1, 100) AS n WHERE v.name = 'chain' AND v.version = 15
                    """)
                #expect(inserted == 100)
            }
            let fan = try await lab.lineage.graph(Models.LineageRequest(version: "chain/15", depth: 14))
            #expect(fan.nodes.count == 1000 && fan.truncated)
            let depth = await failure {
                _ = try await lab.lineage.graph(Models.LineageRequest(version: "chain/1", depth: 51))
            }
            #expect(depth?.violations == ["depth: it is 1 to 50, or 0 for 10"])
        }
    }

    @Test("a used version can't be deleted or purged while it is, and who uses it is named")
    func inUse() async throws {
        try await withModels { lab in
            try await lab.register("churn")
            try await lab.register("churn")
            _ = try await use(lab, "images/churn:1", ["churn/1"])
            _ = try await use(lab, "deployments/churn", ["churn/1"], state: "healthy")
            let error = await failure {
                _ = try await lab.models.deleteVersion(Models.DeleteVersionRequest(version: "churn/1"))
            }
            #expect(error?.code == .failedPrecondition)
            #expect(error?.message == "churn:1 can't be deleted: images/churn:1, deployments/churn use it")
            #expect(error?.unmet == ["IN_USE images/churn:1", "IN_USE deployments/churn"])
            _ = try await lab.models.deleteVersion(Models.DeleteVersionRequest(version: "churn/2"))
            // They say that they use it no more; an older report that comes late does not bring it back.
            #expect(try await use(lab, "deployments/churn", [], generation: 3))
            #expect(try await use(lab, "deployments/churn", ["churn/1"], generation: 2) == false)
            #expect(try await use(lab, "images/churn:1", [], generation: 1))
            let deleted = try await lab.models.deleteVersion(Models.DeleteVersionRequest(version: "churn/1"))
            #expect(deleted.deletedAt != nil)
            // What is so is taken down also of a deleted version, and keeps it from being purged.
            #expect(try await use(lab, "images/churn:1", ["churn/1"], generation: 2))
            let purge = await failure {
                _ = try await lab.models.purgeVersion(Models.PurgeVersionRequest(version: "churn/1"))
            }
            #expect(purge?.message == "churn:1 can't be purged: images/churn:1 uses it")
        }
    }

    @Test("a report takes the place of the one before, and one that says nothing new is not in the journal")
    func replacing() async throws {
        try await withModels { lab in
            for _ in 0..<3 { try await lab.register("churn") }
            _ = try await use(lab, "deployments/d", ["churn/1", "churn/2", "churn/2"], state: "healthy")
            _ = try await use(lab, "deployments/d", ["churn:2", "churn:3"], state: "degraded", generation: 2)
            _ = try await use(lab, "deployments/d", ["churn:3", "churn:2"], state: "degraded", generation: 3)
            let used = try await lab.fixture.pool.query(
                """
                SELECT v.version FROM registry.uses AS u JOIN registry.versions AS v ON v.id = u.version ORDER BY 1
                """
            ).all(Int32.self)
            #expect(used == [2, 3])
            let reports = try await lab.fixture.entries().filter { $0.action == "model.use-reported" }
            #expect(reports.map(\.subject) == ["deployments/d", "deployments/d"])
            #expect(reports.last?.before?.text.contains("healthy") == true)
        }
    }

    @Test("a report that is wrong is refused with all of it, and one of what is not there changes nothing")
    func refusals() async throws {
        try await withModels { lab in
            try await lab.register("churn")
            let wrong = await failure {
                _ = try await lab.lineage.reportUse(
                    Models.ReportUseRequest(
                        user: "churn", kind: .run, versions: ["churn@a"], images: ["x"], generation: -1))
            }
            #expect(
                wrong?.violations == [
                    "kind: it should be NODE_KIND_IMAGE or NODE_KIND_DEPLOYMENT", "generation: it counts up from 0",
                    "versions[0]: \"churn@a\" should name a version by its number, as name/3",
                    "images[0]: \"x\" should begin with images/",
                ])
            // As many as a message has room for are refused at once, without one being looked at.
            let flood = await failure {
                _ = try await lab.lineage.reportUse(
                    Models.ReportUseRequest(
                        user: "images/i", kind: .image, versions: (1...300_000).map { "churn/\($0)" },
                        images: (1...1001).map { "images/\($0)" }))
            }
            #expect(
                flood?.violations == [
                    "versions: there are 300000; 1000 at most", "images: there are 1001; 1000 at most",
                ])
            let missing = await failure { _ = try await use(lab, "images/i", ["churn/1", "churn/9"]) }
            #expect(missing?.code == .notFound)
            let users = try await lab.fixture.pool.query("SELECT count(*) FROM registry.users").all(Int.self)
            #expect(users == [0])
        }
    }

    @Test("a deletion and a report at the same moment never both succeed and leave a hidden use")
    func race() async throws {
        try await withModels { lab in
            for number in 1...20 {
                try await lab.register("churn")
                async let deletion = failure {
                    _ = try await lab.models.deleteVersion(Models.DeleteVersionRequest(version: "churn/\(number)"))
                }
                async let report = failure { _ = try await use(lab, "images/i:\(number)", ["churn/\(number)"]) }
                let (deleted, reported) = await (deletion, report)
                // The report is always taken down; the deletion succeeded only where it came first.
                #expect(reported == nil)
                #expect(deleted == nil || deleted?.code == .failedPrecondition)
            }
        }
    }
}
