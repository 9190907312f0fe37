import DeployerTargets
import Glibc
import Loop
import Testing

/// What a case works with: an installation, a target, images, and ways to wait for what others do.
final class ConformanceBench: Sendable {
    let place: any ConformancePlace
    let images: TestImages
    let suite: String
    let target: any ReplicaTarget

    /// Nothing takes as long, however loaded the machine is.
    static let patience = Duration.seconds(60)

    init(_ place: any ConformancePlace) async throws {
        self.place = place
        images = try await TestImages()
        suite = "suite-\(Self.newID().prefix(8))"
        target = try await place.target(suite: suite)
    }

    /// Ends and removes whatever the case left.
    func clear() async {
        guard let left = try? await target.observe() else { return }
        for replica in left {
            try? await target.stop(replica.id, grace: .zero)
            try? await target.remove(replica.id)
        }
        try? await target.keepImages([])
    }

    /// A lower-case UUID that nobody has.
    static func newID() -> ReplicaID {
        let digits = (0..<32).map { _ in String(UInt8.random(in: 0..<16), radix: 16) }.joined()
        var parts: [Substring] = []
        var rest = digits[...]
        for count in [8, 4, 4, 4, 12] {
            parts.append(rest.prefix(count))
            rest = rest.dropFirst(count)
        }
        return parts.joined(separator: "-")
    }

    func owner(deployment: Int64 = 1, revision: Int = 1) -> ReplicaOwner {
        ReplicaOwner(
            suite: suite, workspace: "default", deployment: "churn-\(deployment)", deploymentID: deployment,
            revision: revision)
    }

    /// An order for the small image, prepared.
    func order(
        _ image: LocalImage? = nil, deployment: Int64 = 1, variables: [String: String] = [:],
        needs: ReplicaNeeds = ReplicaNeeds(), fence: Int64 = 1
    ) async throws -> ReplicaOrder {
        let chosen: LocalImage
        if let image { chosen = image } else { chosen = try await images.small() }
        try await target.prepare(chosen) { _ in }
        return ReplicaOrder(
            id: Self.newID(), owner: owner(deployment: deployment), image: chosen, variables: variables, needs: needs,
            concurrency: 3, accessKey: "key-\(Self.newID())", fence: fence)
    }

    /// Starts a replica and waits until it answers.
    func serving(_ order: ReplicaOrder) async throws -> ReplicaVisitor {
        try await target.start(order)
        return try await visitor(order.id)
    }

    /// Waits until a replica answers.
    func visitor(_ id: ReplicaID, by other: (any ReplicaTarget)? = nil) async throws -> ReplicaVisitor {
        let replica = try await observed(id, by: other) { $0.address != nil || $0.hasEnded }
        let address = try #require(replica.address, "ended before it had an address: \(replica)")
        let visitor = ReplicaVisitor(address: address)
        try await wait("\(id) answers at \(address)") { (try? visitor.get("/readyz")) == "ready" }
        return visitor
    }

    /// Waits until a replica is seen as it should be.
    func observed(
        _ id: ReplicaID, by other: (any ReplicaTarget)? = nil, _ isSo: (ObservedReplica) -> Bool
    ) async throws -> ObservedReplica {
        let target = other ?? self.target
        var last: ObservedReplica?
        let deadline = ContinuousClock.now + Self.patience
        while ContinuousClock.now < deadline {
            last = try await target.observe().first { $0.id == id }
            if let last, isSo(last) { return last }
            try await Task.sleep(for: .milliseconds(20))
        }
        return try #require(nil, "never was as it should be, but \(last.map { "\($0)" } ?? "unknown")")
    }

    /// Waits until a replica has ended, and says how.
    func ending(_ id: ReplicaID) async throws -> ObservedReplica.Ending {
        guard case .ended(let ending) = try await observed(id, { $0.hasEnded }).state else {
            return try #require(nil)
        }
        return ending
    }

    func wait(_ what: String, _ isSo: () async throws -> Bool) async throws {
        let deadline = ContinuousClock.now + Self.patience
        while try await !isSo() {
            try #require(ContinuousClock.now < deadline, "never came true: \(what)")
            try await Task.sleep(for: .milliseconds(20))
        }
    }

    /// The error of work that must fail.
    func failure(_ body: () async throws -> Void) async throws -> TargetError {
        do { try await body() } catch let error as TargetError { return error }
        return try #require(nil, "no error came")
    }
}

extension ObservedReplica {
    var hasEnded: Bool { if case .ended = state { true } else { false } }
}
