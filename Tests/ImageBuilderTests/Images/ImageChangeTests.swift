import Contracts
import RPC
import Testing

@testable import Access
@testable import Activities
@testable import Blobs
@testable import Identity
@testable import ImageBuilderCore
@testable import Postgres

@Suite("images")
struct ImageChangeTests {
    /// Two names, three images, two models.
    private func withThree(_ body: (BuilderFixture) async throws -> Void) async throws {
        try await withBuilder { builder in
            try await builder.register("churn")
            try await builder.register("fraud", "other")
            let ids = [
                try await builder.build("svc") { $0.tags = ["team": "risk"] },
                try await builder.build("svc", ["fraud:1"]) { $0.tags = ["team": "sales", "stage": "try"] },
                try await builder.build("both", ["churn:1", "fraud:1"]),
            ]
            // One after the other, so that the numbers are these.
            for id in ids {
                try await builder.withWorkers([builder.worker(concurrency: 1)]) { _ = try await builder.ended(id) }
            }
            try await body(builder)
        }
    }

    @Test("images are found by name, tag, model and digest, the newest first and a page at a time")
    func search() async throws {
        try await withThree { builder in
            func found(_ change: (inout Images.SearchImagesRequest) -> Void) async throws -> [String] {
                var request = Images.SearchImagesRequest()
                change(&request)
                return try await builder.images.searchImages(request).images.map { "\($0.name):\($0.version)" }.sorted()
            }
            #expect(try await found { _ in } == ["both:1", "svc:1", "svc:2"])
            #expect(try await found { $0.name = "svc" } == ["svc:1", "svc:2"])
            #expect(try await found { $0.namePrefix = "bo" } == ["both:1"])
            #expect(try await found { $0.tags = ["team"] } == ["svc:1", "svc:2"])
            #expect(try await found { $0.tags = ["team=risk"] } == ["svc:1"])
            #expect(try await found { $0.model = "churn" } == ["both:1", "svc:1"])
            #expect(try await found { $0.model = "churn:2" } == [])
            #expect(try await found { $0.latest = true } == ["both:1", "svc:2"])
            let digest = try await builder.images.getImage(.init(image: "svc:2")).digest
            #expect(try await found { $0.digest = digest } == ["svc:2"])
            let first = try await builder.images.searchImages(.init(pageSize: 2))
            #expect(first.images.count == 2)
            let second = try await builder.images.searchImages(
                .init(pageSize: 2, pageToken: first.nextPageToken))
            #expect(second.images.count == 1)
            #expect(second.nextPageToken.isEmpty)
            #expect(first.images.first?.recipe == nil)
            let refused = await failure {
                _ = try await builder.images.searchImages(
                    .init(name: "svc", pageSize: 2, pageToken: first.nextPageToken))
            }
            #expect(refused?.code == .invalidArgument)
        }
    }

    @Test("an alias moves, names its image, and goes with it")
    func aliases() async throws {
        try await withThree { builder in
            _ = try await builder.images.setAlias(.init(alias: "production", image: "svc:1"))
            _ = try await builder.images.setAlias(.init(alias: "production", image: "svc/2"))
            #expect(try await builder.images.getImage(.init(image: "svc@production")).version == 2)
            #expect(try await builder.images.getImage(.init(image: "svc:1")).aliases == [])
            let deleted = try await builder.images.deleteImage(.init(image: "svc:2"))
            #expect(deleted.deletedAt != nil)
            let refusal = await failure { _ = try await builder.images.getImage(.init(image: "svc@production")) }
            #expect(refusal?.code == .notFound)
            #expect(try await builder.images.getImage(.init(image: "svc/latest")).version == 1)
            #expect(try await builder.images.restoreImage(.init(image: "svc:2")).aliases == [])
            #expect(try await builder.journal("image.alias-set") == ["images/svc@production", "images/svc@production"])
            #expect(try await builder.journal("image.alias-removed") == ["images/svc@production"])
        }
    }

    @Test("an image that somebody uses can't be deleted, and reports older than the last change nothing")
    func uses() async throws {
        try await withThree { builder in
            let report = Images.ReportUseRequest(user: "deployments/shop", images: ["svc:1"], generation: 5)
            #expect(try await builder.images.reportUse(report).accepted)
            let error = await failure { _ = try await builder.images.deleteImage(.init(image: "svc:1")) }
            #expect(error?.code == .failedPrecondition)
            #expect(error?.unmet == ["IN_USE deployments/shop"])
            let old = Images.ReportUseRequest(user: "deployments/shop", generation: 4)
            #expect(try await !builder.images.reportUse(old).accepted)
            #expect(try await builder.images.getImage(.init(image: "svc:1")).users == ["deployments/shop"])
            let gone = Images.ReportUseRequest(user: "deployments/shop", generation: 6)
            #expect(try await builder.images.reportUse(gone).accepted)
            _ = try await builder.images.deleteImage(.init(image: "svc:1"))
            let unknown = Images.ReportUseRequest(user: "deployments/shop", images: ["svc:9"], generation: 7)
            let refusal = await failure { _ = try await builder.images.reportUse(unknown) }
            #expect(refusal?.code == .notFound)
        }
    }

    @Test("description and tags change under the revision that was expected, and only by a number an image is deleted")
    func updates() async throws {
        try await withThree { builder in
            let before = try await builder.images.getImage(.init(image: "svc:1"))
            let after = try await builder.images.updateImage(
                .init(
                    image: "svc:1", description: "for the shop", setTags: ["stage": "live"], removeTags: ["team"],
                    expectedRevision: before.revision))
            #expect(after.tags == ["stage": "live"])
            #expect(after.revision == before.revision + 1)
            let late = await failure {
                _ = try await builder.images.updateImage(
                    .init(image: "svc:1", description: "x", expectedRevision: before.revision))
            }
            #expect(late?.code == .aborted)
            for name in ["svc/latest", "svc@production", before.digest] {
                let refusal = await failure { _ = try await builder.images.deleteImage(.init(image: name)) }
                #expect(refusal?.code == .invalidArgument)
            }
            let near = await failure { _ = try await builder.images.getImage(.init(image: "svv:1")) }
            #expect(near?.message.contains("did you mean \"svc\"") == true)
        }
    }
}
