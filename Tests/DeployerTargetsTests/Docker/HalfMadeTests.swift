import Testing

@testable import DeployerTargets

@Suite(
    "Containers whose makers were killed", .serialized, .enabled(if: PrivateEngine.isPossible, "needs root and dockerd")
)
struct HalfMadeTests {
    private func run(
        _ body: (ConformanceBench, DockerTarget, ReplicaOrder) async throws -> Void
    ) async throws {
        let place = DockerConformancePlace(address: try PrivateEngine.shared.get().address)
        let bench = try await ConformanceBench(place)
        let target = try #require(bench.target as? DockerTarget)
        do { try await body(bench, target, try await bench.order()) } catch {
            await bench.clear()
            throw error
        }
        await bench.clear()
    }

    /// Makes a container as `start` does, up to where it is named.
    private func make(_ order: ReplicaOrder, _ name: String, _ target: DockerTarget) async throws -> String {
        let image = try await target.present(order.image)
        let specification = ContainerSpecification(order: order, image: image, settings: target.settings)
        let answer = try await target.engine.call(
            .post, "/containers/create", ["name": name], .bytes(specification.json))
        return try #require(try answer.value()["Id"].text)
    }

    @Test("one that was not named is none, and another is made")
    func unnamed() async throws {
        try await run { bench, target, order in
            let left = try await make(order, ContainerName.unfinished(order.id), target)
            #expect(try await target.observe().isEmpty)
            _ = try await bench.serving(order)
            #expect(try await target.observe().map(\.id) == [order.id])
            try await target.engine.call(.delete, "/containers/\(left)", ["v": "true"])
        }
    }

    @Test("one that was not started is started by who is asked next")
    func unstarted() async throws {
        try await run { bench, target, order in
            let made = try await make(order, ContainerName.unfinished(order.id), target)
            try await target.engine.call(
                .post, "/containers/\(made)/rename", ["name": ContainerName.final(order.id)])
            #expect(try await target.observe().map(\.state) == [.starting])
            _ = try await bench.serving(order)
            #expect(try await target.observe().map(\.id) == [order.id])
        }
    }

    @Test("one that was not started is gone when it is stopped")
    func stopped() async throws {
        try await run { _, target, order in
            _ = try await make(order, ContainerName.final(order.id), target)
            try await target.stop(order.id, grace: .seconds(5))
            #expect(try await target.observe().isEmpty)
        }
    }

    @Test("nothing is left of a replica: no container, no volume with its key")
    func leftovers() async throws {
        try await run { bench, target, order in
            _ = try await bench.serving(order)
            let name = ContainerName.final(order.id)
            let mounts = try await target.engine.call(.get, "/containers/\(name)/json").value()["Mounts"].items
            let volume = try #require(
                mounts.first { $0["Destination"].text == ContainerSpecification.secretsFolder }?["Name"].text)
            try await target.stop(order.id, grace: .seconds(30))
            try await target.engine.call(.get, "/volumes/\(volume)")
            try await target.remove(order.id)
            for path in ["/volumes/\(volume)", "/containers/\(name)/json"] {
                let error = await #expect(throws: EngineError.self) { try await target.engine.call(.get, path) }
                #expect(error?.isMissing ?? false)
            }
        }
    }
}
