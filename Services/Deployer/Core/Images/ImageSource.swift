package import Access
package import Blobs
package import OCI

/// In whose name something is asked of another service: it may do there what they may, in that workspace.
package struct Acting: Hashable, Sendable {
    package var workspace: Workspace
    package var principal: EntityID

    package init(_ workspace: Workspace, principal: EntityID) {
        self.workspace = workspace
        self.principal = principal
    }
}

/// An image as the image builder names it for good.
package struct FoundImage: Hashable, Sendable {
    /// What its replicas need at least; zero where it does not say.
    package struct Needs: Hashable, Sendable {
        package var cpuMillis: Int32
        package var memoryBytes: Int64
        package var gpus: Int32

        package init(cpuMillis: Int32 = 0, memoryBytes: Int64 = 0, gpus: Int32 = 0) {
            self.cpuMillis = cpuMillis
            self.memoryBytes = memoryBytes
            self.gpus = gpus
        }
    }

    package var name: String
    package var version: Int32
    package var digest: BlobDigest
    /// As `churn:3`.
    package var models: [String]
    package var needs: Needs

    package init(name: String, version: Int32, digest: BlobDigest, models: [String], needs: Needs = Needs()) {
        self.name = name
        self.version = version
        self.digest = digest
        self.models = models
        self.needs = needs
    }

    /// As people write it.
    package var text: String { "\(name):\(version)" }
}

/// How a build stands.
package enum BuildOutcome: Hashable, Sendable {
    case running(String)
    case built(image: String)
    case failed(String)
}

/// Where images come from.
package protocol ImageSource: Sendable {
    /// - Parameter text: as callers name it: `churn:2`, `churn@production`.
    /// - Throws: `RPCError`: `invalidArgument`, `notFound` with what may have been meant.
    func image(_ text: String, for acting: Acting) async throws -> FoundImage

    /// The version of a model by its number: `churn:3`.
    /// - Throws: `RPCError`: `invalidArgument`, `notFound` with what may have been meant.
    func version(of model: String, for acting: Acting) async throws -> String

    /// The newest image that has this version alone, and nothing of its own.
    /// - Parameter version: `churn:3`.
    func image(of version: String, for acting: Acting) async throws -> FoundImage?

    /// Has an image of a version built. Asked twice with the same request it is built once.
    /// - Returns: the build's activity.
    func build(_ version: String, request: String, reason: String, for acting: Acting) async throws -> String

    func outcome(of build: String, for acting: Acting) async throws -> BuildOutcome

    /// Brings the image's parts into a store, each compared with its digest; what is there already is not brought.
    /// - Parameter reusable: which of the parts somebody in this installation brought before.
    func bring(
        _ image: FoundImage, into store: any BlobStore, reusable: @escaping DistributionClient.Reuse,
        for acting: Acting
    ) async throws -> PulledImage
}
