internal import Activities
internal import Blobs
internal import OCI
internal import RPC

/// What the errors of a build mean to its activity: why it failed, in words for whoever asked for it, or that another try
/// may go better.
enum BuildTrouble {
    static func translating<Result>(_ body: () async throws -> Result) async throws -> Result {
        do { return try await body() } catch let error as BuildFailure {
            throw ActivityFailure(code: error.code, error.message)
        } catch let error as RPCError {
            throw translated(error)
        } catch let error as BlobError {
            throw translated(error)
        } catch let error as OCIError {
            if error.code == .unavailable || error.code == .resources {
                throw ActivityRetry(after: .seconds(5), error.message)
            }
            throw ActivityFailure(code: "image.damaged", error.message)
        }
    }

    private static func translated(_ error: RPCError) -> any Error {
        switch error.code {
        case .unavailable, .deadlineExceeded, .resourceExhausted, .aborted:
            ActivityRetry(after: .seconds(2), error.message)
        case .cancelled: CancellationError()
        case .notFound: ActivityFailure(code: "model.missing", error.message)
        case .unauthenticated, .permissionDenied:
            ActivityFailure(
                code: "registry.refused",
                "the registry does not let whoever asked for the build read its models any more: \(error.message)")
        case .dataLoss: ActivityFailure(code: "model.damaged", error.message)
        default: ActivityFailure(code: "registry.failed", "the registry says: \(error.message)")
        }
    }

    private static func translated(_ error: BlobError) -> any Error {
        switch error.code {
        case .outOfSpace: ActivityFailure(code: "store.full", "the builder's disk is full")
        case .corrupt, .digestMismatch:
            ActivityFailure(code: "store.damaged", "the builder's store has damaged bytes: \(error.message)")
        case .notFound: ActivityRetry(after: .seconds(1), "a part that was there is gone: \(error.message)")
        default: ActivityRetry(after: .seconds(5), "the builder's store is in trouble: \(error.message)")
        }
    }
}
