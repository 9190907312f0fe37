import ResourceKit
import Contracts
import Protobuf
import RPC
import Testing

@testable import Access
@testable import Journal
@testable import Postgres
@testable import RegistryCore

@Suite("versions", .timeLimit(.minutes(5))) struct VersionTests {
    @Test(
        "a version is named in several ways",
        arguments: [
            ("churn/3", VersionReference.Which.number(3)), ("models:/churn/3", .number(3)), ("churn:3", .number(3)),
            ("models:/churn/latest", .latest), ("churn:latest", .latest), ("churn@champion", .alias("champion")),
            ("models:/churn@champion", .alias("champion")),
        ])
    func naming(_ text: String, _ which: VersionReference.Which) {
        #expect(VersionReference(parsing: text) == VersionReference(name: "churn", which: which))
    }

    @Test(
        "what names no version is refused",
        arguments: [
            "", "churn", "churn/", "churn/0", "churn/03", "churn/-1", "churn/+1", "churn/99999999999", "/3", "a/b/3",
            "churn@", "churn@latest", "churn@12", "models:/", "churn/3/x",
        ])
    func misnaming(_ text: String) throws {
        #expect(VersionReference(parsing: text) == nil)
        let error = #expect(throws: RPCError.self) { try VersionReference(text) }
        #expect(error?.message.contains("write name/3, name:3, name/latest or name@alias") == true)
    }

    @Test("what is not there is refused with what is there instead")
    func missing() async throws {
        try await withModels { lab in
            try await lab.register("churn-model") { $0.aliases = ["champion"] }
            try await lab.register("churn-model")
            func message(_ version: String) async -> String {
                let error = await failure { _ = try await lab.get(version) }
                return error?.code == .notFound ? error?.message ?? "" : "\(String(describing: error))"
            }
            let place = "in the workspace \"lab\""
            var found = await message("churn-model/9")
            #expect(found == "there is no version churn-model:9 \(place); the latest is churn-model:2")
            found = await message("churn-model@champoin")
            #expect(
                found
                    == "there is no version churn-model@champoin \(place); did you mean churn-model@champion?")
            found = await message("churn-model@other")
            #expect(found == "there is no version churn-model@other \(place); its aliases are champion")
            found = await message("chrun-model/1")
            #expect(found == "there is no model \"chrun-model\" \(place); did you mean \"churn-model\"?")
            found = await message("entirely-else/1")
            #expect(found == "there is no model \"entirely-else\" \(place)")
        }
    }

    @Test("nothing of one workspace is seen, changed or used from another")
    func isolation() async throws {
        try await withModels { lab in
            try await lab.register("churn") { request in
                request.aliases = ["champion"]
                request.tags = ["team": "growth"]
                request.metrics = ["auc": 0.9]
            }
            let attic = try await lab.channel("bob", [(lab.fixture.attic, .owner)], workspace: "attic")
            let models = Models.Models.Client(attic)
            let lineage = Models.Lineage.Client(attic)
            let refused: [(String, () async throws -> Void)] = [
                ("get", { _ = try await models.getVersion(Models.GetVersionRequest(version: "churn/1")) }),
                ("alias", { _ = try await models.getVersion(Models.GetVersionRequest(version: "churn@champion")) }),
                ("model", { _ = try await models.getModel(Models.GetModelRequest(name: "churn")) }),
                ("update", { _ = try await models.updateVersion(Models.UpdateVersionRequest(version: "churn/1")) }),
                ("updateModel", { _ = try await models.updateModel(Models.UpdateModelRequest(name: "churn")) }),
                ("delete", { _ = try await models.deleteVersion(Models.DeleteVersionRequest(version: "churn/1")) }),
                ("purge", { _ = try await models.purgeVersion(Models.PurgeVersionRequest(version: "churn/1")) }),
                ("setAlias", { _ = try await models.setAlias(Models.SetAliasRequest(alias: "a", version: "churn/1")) }),
                (
                    "deleteAlias",
                    { _ = try await models.deleteAlias(Models.DeleteAliasRequest(name: "churn", alias: "champion")) }
                ), ("history", { _ = try await models.aliasHistory(Models.AliasHistoryRequest(name: "churn")) }),
                ("graph", { _ = try await lineage.graph(Models.LineageRequest(version: "churn/1")) }),
                (
                    "use",
                    {
                        _ = try await lineage.reportUse(
                            Models.ReportUseRequest(user: "images/i:1", kind: .image, versions: ["churn/1"]))
                    }
                ),
            ]
            for (name, body) in refused {
                let error = await failure(body)
                #expect(error?.code == .notFound, "\(name): \(String(describing: error))")
                #expect(error?.message.contains("did you mean") == false, "\(name)")
            }
            let listed = try await models.listModels(Models.ListModelsRequest())
            #expect(listed.models.isEmpty)
            for query in ["", "tags.team = 'growth'", "metrics.auc > 0", "alias = 'champion'"] {
                let found = try await models.search(Models.SearchRequest(query: query, count: true))
                #expect(found.versions.isEmpty && found.total == 0, "\(query)")
            }
            let digest = try await lab.get("churn/1").files.first?.digest ?? ""
            let stolen = await failure {
                _ = try await models.register(
                    Models.RegisterRequest(name: "mine", files: [Models.ModelFile(path: "m", digest: digest)]))
            }
            #expect(stolen?.code == .failedPrecondition)
        }
    }

    @Test("a reader may look and not change, and only an owner may purge")
    func roles() async throws {
        try await withModels { lab in
            try await lab.register("churn")
            let reader = Models.Models.Client(
                try await lab.channel("eve", [(lab.fixture.lab, .reader)], workspace: "lab"))
            let read = try await reader.getVersion(Models.GetVersionRequest(version: "churn/1"))
            #expect(read.version == 1)
            let request = try await lab.request("churn")
            let error = await failure { _ = try await reader.register(request) }
            #expect(error?.code == .permissionDenied)
            let contributor = Models.Models.Client(
                try await lab.channel("carl", [(lab.fixture.lab, .contributor)], workspace: "lab"))
            let deleted = try await contributor.deleteVersion(Models.DeleteVersionRequest(version: "churn/1"))
            #expect(deleted.deletedAt != nil)
            let purge = await failure {
                _ = try await contributor.purgeVersion(Models.PurgeVersionRequest(version: "churn/1"))
            }
            #expect(purge?.code == .permissionDenied)
        }
    }

    @Test("tags, description and metrics change, properties only grow, and a stale revision is named")
    func update() async throws {
        try await withModels { lab in
            try await lab.register("churn") { request in
                request.tags = ["a": "1", "b": "2"]
                request.properties = ["seed": "7"]
                request.metrics = ["auc": 0.5]
            }
            let changed = try await lab.models.updateVersion(
                Models.UpdateVersionRequest(
                    version: "churn/1", description: "better", setTags: ["c": "3"], removeTags: ["a", "none"],
                    addProperties: ["seed": "7", "rows": "10"], setMetrics: ["auc": 0.75], expectedRevision: 1))
            #expect(changed.tags == ["b": "2", "c": "3"] && changed.properties == ["seed": "7", "rows": "10"])
            #expect(changed.metrics == ["auc": 0.75] && changed.revision == 2 && changed.description == "better")
            let read = try await lab.get("churn/1")
            #expect(read.tags == changed.tags && read.metrics == changed.metrics && read.revision == 2)
            let byMetric = try await lab.models.search(Models.SearchRequest(query: "metrics.auc = 0.75"))
            #expect(byMetric.versions.count == 1)
            let stale = await failure {
                _ = try await lab.models.updateVersion(
                    Models.UpdateVersionRequest(version: "churn/1", description: "x", expectedRevision: 1))
            }
            #expect(stale?.code == .aborted)
            #expect(
                stale?.message
                    == "models/churn:1 has the revision 2 by now, and 1 was expected: read it again and decide anew")
            let property = await failure {
                _ = try await lab.models.updateVersion(
                    Models.UpdateVersionRequest(version: "churn/1", addProperties: ["seed": "8"]))
            }
            #expect(property?.code == .alreadyExists)
            #expect(property?.message.hasPrefix("the property \"seed\" of churn:1 is \"7\" and stays so") == true)
            let both = await failure {
                _ = try await lab.models.updateVersion(
                    Models.UpdateVersionRequest(version: "churn/1", setTags: ["b": "9"], removeTags: ["b"]))
            }
            #expect(both?.violations == ["remove_tags[0]: \"b\" is in set_tags too: one or the other"])
            // What changes nothing is no change.
            let same = try await lab.models.updateVersion(
                Models.UpdateVersionRequest(version: "churn/1", setTags: ["b": "2"]))
            #expect(same.revision == 2)
            let model = try await lab.models.updateModel(
                Models.UpdateModelRequest(
                    name: "churn", description: "who leaves", setTags: ["team": "growth"], expectedRevision: 1))
            #expect(model.description == "who leaves" && model.tags == ["team": "growth"] && model.revision == 2)
            let actions = try await lab.fixture.actions()
            #expect(
                actions == [
                    "model.registered models/churn:1", "model.updated models/churn:1", "model.updated models/churn",
                ])
        }
    }

    @Test("a deleted version is hidden, keeps its number, loses its aliases, and comes back whole")
    func deletion() async throws {
        try await withModels { lab in
            try await lab.register("churn")
            try await lab.register("churn") { $0.aliases = ["champion"] }
            let deleted = try await lab.models.deleteVersion(
                Models.DeleteVersionRequest(version: "churn/2", reason: "wrong data"))
            #expect(deleted.deletedAt != nil && deleted.aliases.isEmpty)
            let again = try await lab.models.deleteVersion(Models.DeleteVersionRequest(version: "churn/2"))
            #expect(again.revision == deleted.revision)
            let hidden = await failure { _ = try await lab.get("churn/2") }
            #expect(hidden?.code == .notFound)
            #expect(hidden?.message.contains("was deleted at") == true)
            let seen = try await lab.get("churn/2", includeDeleted: true)
            #expect(seen.version == 2)
            var model = try await lab.models.getModel(Models.GetModelRequest(name: "churn"))
            #expect(model.latestVersion == 1 && model.versionCount == 1 && model.aliases.isEmpty)
            let latest = try await lab.get("churn/latest")
            #expect(latest.version == 1)
            let history = try await lab.models.aliasHistory(Models.AliasHistoryRequest(name: "churn"))
            #expect(history.changes.map(\.version) == [0, 2])
            #expect(history.changes.first?.reason == "churn:2 was deleted")
            let update = await failure {
                _ = try await lab.models.updateVersion(Models.UpdateVersionRequest(version: "churn/2"))
            }
            #expect(update?.code == .notFound)
            let next = try await lab.register("churn")
            #expect(next.version == 3)
            let restored = try await lab.models.restoreVersion(Models.RestoreVersionRequest(version: "churn/2"))
            #expect(restored.deletedAt == nil)
            model = try await lab.models.getModel(Models.GetModelRequest(name: "churn"))
            #expect(model.latestVersion == 3 && model.versionCount == 3)
            let byAlias = await failure {
                _ = try await lab.models.deleteVersion(Models.DeleteVersionRequest(version: "churn/latest"))
            }
            #expect(byAlias?.code == .invalidArgument)
        }
    }

    @Test("only a deleted version is purged; its number stays taken, and its files go where nobody else has them")
    func purge() async throws {
        try await withModels { lab in
            try await lab.register("churn", "shared")
            try await lab.register("churn", "shared")
            try await lab.register("churn", "alone")
            let early = await failure {
                _ = try await lab.models.purgeVersion(Models.PurgeVersionRequest(version: "churn/3"))
            }
            #expect(early?.code == .failedPrecondition)
            #expect(early?.unmet == ["NOT_DELETED models/churn:3"])
            for version in ["churn/3", "churn/1"] {
                _ = try await lab.models.deleteVersion(Models.DeleteVersionRequest(version: version))
                _ = try await lab.models.purgeVersion(Models.PurgeVersionRequest(version: version))
            }
            let sets = try await lab.fixture.pool.query("SELECT count(*) FROM registry.file_sets").all(Int.self)
            #expect(sets == [1])
            let gone = await failure { _ = try await lab.get("churn/3", includeDeleted: true) }
            #expect(gone?.code == .notFound)
            let next = try await lab.register("churn")
            #expect(next.version == 4)
            let actions = try await lab.fixture.actions()
            #expect(actions.contains("model.purged models/churn:3"))
        }
    }

    @Test("a version is read as it was at a time, with the aliases of then")
    func asOf() async throws {
        try await withModels { lab in
            let first = try await lab.register("churn") { request in
                request.tags = ["stage": "new"]
                request.aliases = ["champion"]
            }
            let before = try #require(first.createdAt)
            _ = try await lab.models.updateVersion(
                Models.UpdateVersionRequest(version: "churn/1", setTags: ["stage": "old"]))
            let second = try await lab.register("churn") { $0.aliases = ["champion"] }
            let changed = try #require(second.createdAt)
            _ = try await lab.models.deleteVersion(Models.DeleteVersionRequest(version: "churn/1"))
            func at(_ version: String, _ time: Google.Protobuf.Timestamp) async throws -> Models.ModelVersion {
                try await lab.models.getVersion(Models.GetVersionRequest(version: version, asOf: time))
            }
            let then = try await at("churn/1", before)
            #expect(then.tags == ["stage": "new"] && then.aliases == ["champion"] && then.deletedAt == nil)
            let later = try await at("churn/1", changed)
            #expect(later.tags == ["stage": "old"] && later.aliases.isEmpty)
            let champion = try await at("churn@champion", before)
            #expect(champion.version == 1)
            let latest = try await at("churn/latest", before)
            #expect(latest.version == 1)
            let moved = try await at("churn@champion", changed)
            #expect(moved.version == 2)
            let early = await failure {
                _ = try await at("churn/1", Google.Protobuf.Timestamp(seconds: before.seconds - 10, nanos: 0))
            }
            #expect(early?.code == .notFound)
            #expect(early?.message.contains("churn:1 was registered at") == true)
        }
    }

    @Test("models are listed by name, a page at a time, and a token that was changed is refused")
    func listing() async throws {
        try await withModels { lab in
            for number in 0..<7 { try await lab.register("model-\(number)") }
            try await lab.register("other")
            var names: [String] = []
            var token = ""
            repeat {
                let page = try await lab.models.listModels(
                    Models.ListModelsRequest(namePrefix: "model-", pageSize: 3, pageToken: token))
                names += page.models.map(\.name)
                token = page.nextPageToken
            } while !token.isEmpty
            #expect(names == (0..<7).map { "model-\($0)" })
            let page = try await lab.models.listModels(Models.ListModelsRequest(pageSize: 3))
            let real = page.nextPageToken
            for token in [real + "00", String(real.dropLast(2)), "zz", "é", "00112233445566770100000000"] {
                let error = await failure {
                    _ = try await lab.models.listModels(Models.ListModelsRequest(pageSize: 3, pageToken: token))
                }
                #expect(error?.code == .invalidArgument && error?.message.hasPrefix("page_token: ") == true)
            }
            let other = await failure {
                _ = try await lab.models.listModels(
                    Models.ListModelsRequest(namePrefix: "m", pageSize: 3, pageToken: real))
            }
            #expect(other?.code == .invalidArgument)
            let size = await failure { _ = try await lab.models.listModels(Models.ListModelsRequest(pageSize: 1001)) }
            #expect(size?.violations == ["page_size: it is 1 to 1,000, or 0 for 100"])
        }
    }

    @Test("an alias is moved with a reason, guarded by its revision, and its history is kept")
    func aliases() async throws {
        try await withModels { lab in
            for _ in 0..<3 { try await lab.register("churn") }
            func set(_ version: String, _ expected: Int64? = nil) async throws -> Models.Alias {
                try await lab.models.setAlias(
                    Models.SetAliasRequest(
                        alias: "champion", version: version, expectedRevision: expected, reason: "to \(version)"))
            }
            let first = try await set("churn/1", 0)
            #expect(first.version == 1 && first.revision == 1 && first.setBy == "person:ada")
            let taken = await failure { _ = try await set("churn/2", 0) }
            #expect(taken?.code == .aborted && taken?.message.contains("has the revision 1 by now, and 0") == true)
            let second = try await set("churn/2", 1)
            #expect(second.revision == 2)
            let same = try await set("churn/2")
            #expect(same.revision == 2)
            _ = try await lab.models.deleteAlias(
                Models.DeleteAliasRequest(name: "churn", alias: "champion", reason: "retired"))
            let gone = await failure {
                _ = try await lab.models.deleteAlias(Models.DeleteAliasRequest(name: "churn", alias: "champion"))
            }
            #expect(gone?.code == .notFound)
            // Its revision goes on: what was seen before the removal is not taken for what is there now.
            let third = try await set("churn/latest", 0)
            #expect(third.version == 3 && third.revision == 4)
            let history = try await lab.models.aliasHistory(
                Models.AliasHistoryRequest(name: "churn", alias: "champion"))
            #expect(history.changes.map(\.version) == [3, 0, 2, 1])
            #expect(history.changes.map(\.reason) == ["to churn/latest", "retired", "to churn/2", "to churn/1"])
            #expect(history.changes.map(\.revision) == [4, 3, 2, 1])
            let version = try await lab.get("churn@champion")
            #expect(version.version == 3 && version.aliases == ["champion"])
            let name = await failure {
                _ = try await lab.models.setAlias(Models.SetAliasRequest(alias: "7", version: "churn/1"))
            }
            #expect(name?.violations == ["alias: \"7\" should be \(NameRules.alias)"])
        }
    }

    @Test("of many who promote at once with what they saw, one does")
    func race() async throws {
        try await withModels { lab in
            for _ in 0..<8 { try await lab.register("churn") }
            let outcomes = await withTaskGroup(of: RPCCode?.self) { group in
                for number in 1...8 {
                    group.addTask {
                        await failure {
                            _ = try await lab.models.setAlias(
                                Models.SetAliasRequest(
                                    alias: "champion", version: "churn/\(number)", expectedRevision: 0))
                        }?.code
                    }
                }
                return await group.reduce(into: []) { $0.append($1) }
            }
            #expect(outcomes.filter { $0 == nil }.count == 1 && outcomes.filter { $0 == .aborted }.count == 7)
        }
    }
}
