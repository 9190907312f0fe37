import Contracts
import RPC
import Testing

@testable import Postgres
@testable import RegistryCore

@Suite("searching", .timeLimit(.minutes(5))) struct SearchTests {
    /// `a:1` to `a:3`, `b:1` and `b:2`, in this order.
    private func fill(_ lab: ModelFixture) async throws {
        try await lab.register("a", "1") { request in
            request.tags = ["team": "growth", "odd key": "x"]
            request.metrics = ["auc": 0.5]
            request.license = "MIT"
            request.aliases = ["champion"]
        }
        try await lab.register("a", "22") { request in
            request.tags = ["team": "risk"]
            request.metrics = ["auc": 0.9, "f1": 0.1]
            request.format = Models.ModelFormat(name: "onnx", framework: "keras")
            request.description = "50% off"
        }
        try await lab.register("a", "333") { request in
            request.properties = ["seed": "7"]
            request.origin = Models.Origin(
                run: "r3", experiment: "e3", git: Models.Git(commit: "abc123"),
                datasets: ["datasets/d:1", "datasets/e:1"],
                parents: ["a:1"])
        }
        try await lab.register("b", "4444") { request in
            request.metrics = ["auc": 0.7]
            request.aliases = ["champion", "best"]
            request.tags = ["team": "Growth'); DROP TABLE registry.versions; --"]
        }
        try await lab.register("b", "55555") { $0.metrics = ["auc": -1e300] }
    }

    private static let newest = ["b:2", "b:1", "a:3", "a:2", "a:1"]

    private static let table: [(String, [String])] = [
        ("", newest), ("ORDER BY created", newest.reversed()), ("name = 'a'", ["a:3", "a:2", "a:1"]),
        ("name != 'a'", ["b:2", "b:1"]), ("name > 'a' AND version < 2", ["b:1"]),
        ("name = 'a' AND tags.team = 'growth' AND metrics.auc > 0.4 ORDER BY created DESC", ["a:1"]),
        ("tags.team = 'growth'", ["a:1"]), ("tags.team != 'growth'", ["b:1", "a:2"]),
        ("NOT tags.team = 'growth'", ["b:2", "b:1", "a:3", "a:2"]), ("tags.team IS NULL", ["b:2", "a:3"]),
        ("tags.team IN ('growth', 'risk')", ["a:2", "a:1"]), ("tags.\"odd key\" = 'x'", ["a:1"]),
        ("tags.team ILIKE 'growth%'", ["b:1", "a:1"]), ("tags.team LIKE 'growth%'", ["a:1"]),
        ("tags.team = 'Growth''); DROP TABLE registry.versions; --'", ["b:1"]), ("tags.team > 'h'", ["a:2"]),
        ("properties.seed = '7'", ["a:3"]), ("properties.seed IS NOT NULL", ["a:3"]),
        ("metrics.auc >= 0.7", ["b:1", "a:2"]), ("metrics.auc < 0", ["b:2"]),
        ("metrics.auc IN (0.5, 0.9)", ["a:2", "a:1"]),
        ("metrics.auc IS NULL", ["a:3"]), ("metrics.f1 IS NOT NULL", ["a:2"]),
        ("NOT (metrics.auc > 0.6)", ["b:2", "a:3", "a:1"]), ("metrics.auc > 0.6 OR run = 'r3'", ["b:1", "a:3", "a:2"]),
        ("framework = 'keras'", ["a:2"]), ("framework IS NULL", ["b:2", "b:1", "a:3", "a:1"]),
        ("format = 'onnx'", ["a:2"]),
        ("license = 'MIT'", ["a:1"]), ("run = 'r3' AND experiment = 'e3'", ["a:3"]),
        ("git.commit LIKE 'abc%'", ["a:3"]),
        ("size >= 4", ["b:2", "b:1"]), ("version IN (2, 3)", ["b:2", "a:3", "a:2"]),
        ("description LIKE '50\\% %'", ["a:2"]), ("description IS NOT NULL", ["a:2"]),
        ("alias = 'champion'", ["b:1", "a:1"]), ("alias IS NULL", ["b:2", "a:3", "a:2"]),
        ("alias != 'champion'", ["b:1"]),
        ("alias IN ('best')", ["b:1"]), ("dataset = 'datasets/e:1'", ["a:3"]), ("dataset LIKE '%d:1'", ["a:3"]),
        ("dataset IS NULL AND name = 'a'", ["a:2", "a:1"]), ("parent = 'models/a:1'", ["a:3"]),
        ("parent = 'a:1'", ["a:3"]), ("parent IN ('models:/a/1', 'x')", ["a:3"]),
        ("created_by = 'person:ada' AND size = 1", ["a:1"]), ("created > '2020-01-01'", newest),
        ("created > '2120-01-01'", []),
        ("created IS NULL", []), ("ORDER BY metrics.auc DESC", ["a:2", "b:1", "a:1", "b:2", "a:3"]),
        ("ORDER BY metrics.auc", ["b:2", "a:1", "b:1", "a:2", "a:3"]),
        ("ORDER BY name DESC, version", ["b:1", "b:2", "a:1", "a:2", "a:3"]),
        ("ORDER BY tags.team, size DESC", ["b:1", "a:1", "a:2", "b:2", "a:3"]), ("ORDER BY size DESC", newest),
        ("name = '' OR name = 'nothing'", []),
    ]

    @Test("a page ends early where samples of megabytes would be too much for one answer, and none is lost")
    func largeFacts() async throws {
        try await withModels { lab in
            let sample = String(repeating: "x", count: 4_000_000)
            for _ in 1...7 {
                try await lab.register("large") { $0.signature = .init(sampleInputJson: sample) }
            }
            var found: [Int32] = []
            var pages: [Int] = []
            var token = ""
            repeat {
                let page = try await lab.models.search(
                    Models.SearchRequest(query: "name = 'large'", pageSize: 100, pageToken: token))
                #expect(page.versions.allSatisfy { $0.signature?.sampleInputJson == sample && $0.format != nil })
                found += page.versions.map(\.version)
                pages.append(page.versions.count)
                token = page.nextPageToken
            } while !token.isEmpty
            #expect(found == [7, 6, 5, 4, 3, 2, 1] && pages == [5, 2])
        }
    }

    @Test("each query finds its versions, in its order, on pages of any size, and counts them")
    func queries() async throws {
        try await withModels { lab in
            try await fill(lab)
            for (query, expected) in Self.table {
                for size in [Int32(1), 2, 100] {
                    var found: [String] = []
                    var token = ""
                    repeat {
                        let page = try await lab.models.search(
                            Models.SearchRequest(query: query, pageSize: size, pageToken: token, count: true))
                        found += page.versions.map { "\($0.model):\($0.version)" }
                        token = page.nextPageToken
                        #expect(page.total == Int64(expected.count), "\(query)")
                    } while !token.isEmpty && found.count < 20
                    #expect(found == expected, "\(query) by \(size)")
                }
            }
        }
    }

    @Test("the same is found however many meet what is asked of metrics, aliases and origins")
    func ways() async throws {
        try await withModels { lab in
            try await fill(lab)
            let asked = ["metrics.", "alias", "dataset", "parent"]
            let queries =
                Self.table.map(\.0).filter { query in asked.contains { query.contains($0) } }
                + [
                    "metrics.auc > 0.4 AND metrics.f1 < 1", "metrics.auc > 0.4 AND metrics.auc < 0.8 ORDER BY size",
                    "alias = 'champion' AND metrics.auc > 0.4 ORDER BY created", "alias LIKE '%e%' AND name = 'b'",
                    "metrics.auc IS NOT NULL AND tags.team IS NOT NULL",
                ]
            for query in queries {
                var found: [[String]] = []
                for (few, some) in [(0, 0), (1, 2), (0, 3), (2000, 20_000)] {
                    var store = lab.store
                    store.searchLimits = SearchLimits(few: few, some: some)
                    let page = try await store.search(
                        Models.SearchRequest(query: query, count: true), in: lab.fixture.lab)
                    found.append(page.versions.map { "\($0.model):\($0.version)" })
                    #expect(page.total == Int64(page.versions.count), "\(query)")
                }
                #expect(Set(found).count == 1 && !found[0].isEmpty, "\(query): \(found)")
            }
        }
    }

    @Test("pages of few among many follow one another, newest and oldest first")
    func fewPages() async throws {
        try await withModels { lab in
            try await fill(lab)
            for (query, expected) in [
                ("metrics.auc < 0.8", ["b:2", "b:1", "a:1"]),
                ("metrics.auc < 0.8 ORDER BY created", ["a:1", "b:1", "b:2"]),
                ("alias LIKE '%'", ["b:1", "a:1"]),
            ] {
                var store = lab.store
                store.searchLimits = SearchLimits(few: 1, some: 10)
                var found: [String] = []
                var token = ""
                repeat {
                    let page = try await store.search(
                        Models.SearchRequest(query: query, pageSize: 1, pageToken: token), in: lab.fixture.lab)
                    found += page.versions.map { "\($0.model):\($0.version)" }
                    token = page.nextPageToken
                } while !token.isEmpty && found.count < 10
                #expect(found == expected, "\(query)")
            }
        }
    }

    @Test("an alias that was moved is found where it points now")
    func movedAlias() async throws {
        try await withModels { lab in
            try await fill(lab)
            _ = try await lab.models.setAlias(Models.SetAliasRequest(alias: "champion", version: "a:3"))
            let found = try await lab.models.search(Models.SearchRequest(query: "alias = 'champion' ORDER BY created"))
            #expect(found.versions.map { "\($0.model):\($0.version)" } == ["a:3", "b:1"])
        }
    }

    @Test("counting ends at its limit, and says that there are more")
    func countLimit() async throws {
        try await withModels { lab in
            try await fill(lab)
            for (most, total, isMore) in [(Int64(4), Int64(4), true), (5, 5, false), (9, 5, false)] {
                var store = lab.store
                store.searchLimits.count = most
                let page = try await store.search(
                    Models.SearchRequest(pageSize: 1, count: true), in: lab.fixture.lab)
                #expect(page.total == total && page.moreThanTotal == isMore, "\(most)")
            }
        }
    }

    @Test("deleted versions are found only where they are asked for")
    func deleted() async throws {
        try await withModels { lab in
            try await fill(lab)
            _ = try await lab.models.deleteVersion(Models.DeleteVersionRequest(version: "a:2"))
            var found = try await lab.models.search(Models.SearchRequest(query: "name = 'a'"))
            #expect(found.versions.map(\.version) == [3, 1])
            found = try await lab.models.search(Models.SearchRequest(query: "name = 'a'", includeDeleted: true))
            #expect(found.versions.map(\.version) == [3, 2, 1] && found.versions[1].deletedAt != nil)
            // Files are left out, all else is there.
            #expect(found.versions[0].files.isEmpty && found.versions[0].origin?.parents == ["models:/a/1"])
        }
    }

    @Test("a page that is added to while it is read misses nothing and shows nothing twice")
    func growing() async throws {
        try await withModels { lab in
            try await fill(lab)
            let first = try await lab.models.search(Models.SearchRequest(query: "ORDER BY size DESC", pageSize: 2))
            try await lab.register("c", "the largest of all")
            let second = try await lab.models.search(
                Models.SearchRequest(query: "ORDER BY size DESC", pageSize: 9, pageToken: first.nextPageToken))
            #expect((first.versions + second.versions).map(\.sizeBytes) == [5, 4, 3, 2, 1])
        }
    }

    @Test("a mistake in a query and a token of another query are refused")
    func refusals() async throws {
        try await withModels { lab in
            try await fill(lab)
            let mistake = await failure {
                _ = try await lab.models.search(Models.SearchRequest(query: "metrics.auc > AND"))
            }
            #expect(mistake?.code == .invalidArgument)
            #expect(
                mistake?.violations == [
                    "query: column 15: metrics.\"auc\" is a number, which 'AND' is not\n  metrics.auc > AND\n"
                        + "                ^"
                ])
            let page = try await lab.models.search(Models.SearchRequest(pageSize: 1))
            let token = await failure {
                _ = try await lab.models.search(
                    Models.SearchRequest(query: "name = 'a'", pageSize: 1, pageToken: page.nextPageToken))
            }
            #expect(token?.code == .invalidArgument)
            #expect(token?.message.contains("it is damaged or of another query") == true)
        }
    }
}
