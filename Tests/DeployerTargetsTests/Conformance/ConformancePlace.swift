import DeployerTargets

/// A place that the conformance suite runs in. A kind of target passes the suite with
///
///     @Test("keeps what targets promise", arguments: ConformanceCase.all)
///     func conformance(_ one: ConformanceCase) async throws {
///         try await one.run(MyPlace())
///     }
protocol ConformancePlace: Sendable {
    /// The place as another deployer sees it: each call gives a target that knows nothing of the others.
    /// - Parameter suite: the installation.
    func target(suite: String) async throws -> any ReplicaTarget

    /// Whether a replica that takes more memory than it was given is ended for it.
    var limitsMemory: Bool { get async throws }

    /// What `ReplicaStarter` is told so that it makes a target of this place: `["process", "/folder"]`.
    var starterWords: [String] { get }
}
