import Blobs
import DeployerTargets
import OCI
import Tar
import Testing

extension ConformanceCase {
    /// What can't be done, and is said so.
    static let refusals = [
        ConformanceCase("what nobody knows can be stopped and removed") { bench in
            let id = ConformanceBench.newID()
            try await bench.target.stop(id, grace: .seconds(1))
            try await bench.target.remove(id)
            #expect(try await bench.target.observe().isEmpty)
        },
        ConformanceCase("a replica that runs is not removed") { bench in
            let order = try await bench.order()
            let visitor = try await bench.serving(order)
            #expect(try await bench.failure { try await bench.target.remove(order.id) }.code == .refused)
            #expect(try visitor.get("/readyz") == "ready")
        },
        ConformanceCase("an order that is older than one before it is refused, by every deployer") { bench in
            let image = try await bench.images.small()
            let newer = try await bench.order(image, fence: 5)
            try await bench.target.start(newer)
            let older = try await bench.order(image, fence: 4)
            let other = try await bench.place.target(suite: bench.suite)
            #expect(try await bench.failure { try await bench.target.start(older) }.code == .stale)
            #expect(try await bench.failure { try await other.start(older) }.code == .stale)
            #expect(try await bench.target.observe().map(\.id) == [newer.id])
            // Of the same one there may be several, and of other deployments none is told.
            try await other.start(bench.order(image, fence: 5))
            try await other.start(bench.order(image, deployment: 2, fence: 1))
            #expect(try await bench.target.observe().count == 3)
        },
        ConformanceCase("an order that is older than one whose replica was removed is refused") { bench in
            let image = try await bench.images.small()
            let newer = try await bench.order(image, fence: 5)
            try await bench.target.start(newer)
            try await bench.target.stop(newer.id, grace: .seconds(30))
            try await bench.target.remove(newer.id)
            let older = try await bench.order(image, fence: 4)
            #expect(try await bench.failure { try await bench.target.start(older) }.code == .stale)
        },
        ConformanceCase("an order for more than the place has is refused for want of capacity") { bench in
            let total = try await bench.target.check().total
            let image = try await bench.images.small()
            for needs in [
                ReplicaNeeds(cpuMillis: total.cpuMillis + 1), ReplicaNeeds(memoryBytes: total.memoryBytes + 1),
                ReplicaNeeds(gpus: total.gpus + 1),
            ] {
                let order = try await bench.order(image, needs: needs)
                #expect(try await bench.failure { try await bench.target.start(order) }.code == .noCapacity)
            }
            #expect(try await bench.target.observe().isEmpty)
        },
        ConformanceCase("an image for another platform can't be used") { bench in
            let image = try await bench.images.small { $0.platform = Platform(architecture: "s390x") }
            let error = try await bench.failure { try await bench.target.prepare(image) { _ in } }
            #expect(error.code == .unusableImage)
            #expect(error.message.contains("s390x"))
        },
        ConformanceCase("an image without an entry point can't be used") { bench in
            let image = try await bench.images.small {
                $0.entryPoint = []
                $0.command = []
            }
            #expect(try await bench.failure { try await bench.target.prepare(image) { _ in } }.code == .unusableImage)
        },
        ConformanceCase("an image whose entry point is not in it can't be used") { bench in
            let image = try await bench.images.small { $0.entryPoint = ["/bin/absent"] }
            let error = try await bench.failure { try await bench.target.start(bench.order(image)) }
            #expect(error.code == .unusableImage)
            #expect(error.message.contains("/bin/absent"))
            #expect(try await bench.target.observe().isEmpty)
        },
        ConformanceCase("an image with a layer that is no archive can't be used") { bench in
            let junk = try await bench.images.store.put(Array("this is no archive".utf8)).info
            let configuration = ImageConfiguration(
                platform: .current, entryPoint: ["/bin/replica"], layerContents: [junk.digest])
            let image = try await bench.images.image(
                configuration,
                layers: [Descriptor(mediaType: MediaType.gzipLayer, digest: junk.digest, size: junk.size)])
            #expect(try await bench.failure { try await bench.target.prepare(image) { _ in } }.code == .unusableImage)
        },
        ConformanceCase("an image whose layers are not those of its configuration can't be used") { bench in
            let small = try await bench.images.small()
            var configuration = small.configuration
            configuration.layerContents = [try BlobHasher.digest(Array("something else".utf8))]
            let image = try await bench.images.image(configuration, layers: small.manifest.layers)
            #expect(try await bench.failure { try await bench.target.prepare(image) { _ in } }.code == .unusableImage)
        },
        ConformanceCase("a failed start leaves nothing, and the same replica may be started with a better image") {
            bench in
            let bad = try await bench.order(try await bench.images.small { $0.entryPoint = ["/bin/absent"] })
            _ = try await bench.failure { try await bench.target.start(bad) }
            var good = try await bench.order()
            good.id = bad.id
            _ = try await bench.serving(good)
        },
    ]
}
