import HTTP
import Loop

/// Looks names up where blocking does no harm.
final class NameResolver: Sendable {
    private static let shared = ComputePool(threads: 2, name: "resolver")

    private let pool: ComputePool

    init(pool: ComputePool?) { self.pool = pool ?? NameResolver.shared }

    /// Calls `completion` on the loop, at once where nothing has to be looked up. At least one address comes, or an error.
    func resolve(
        _ address: SocketAddress, on loop: EventLoop,
        _ completion: @escaping (Result<[ResolvedAddress], any Error>) -> Void
    ) {
        guard address.needsLookup else { return completion(NameResolver.lookUp(address)) }
        let receiver = Receiver(completion)
        Task { [pool] in
            let result: Result<[ResolvedAddress], any Error>
            do {
                try pool.start()
                result = try await pool.run { NameResolver.lookUp(address) }
            } catch { result = .failure(error) }
            loop.execute { receiver.completion(result) }
        }
    }

    private static func lookUp(_ address: SocketAddress) -> Result<[ResolvedAddress], any Error> {
        do {
            let found = try address.resolve()
            return found.isEmpty ? .failure(RPCError(.unavailable, "\(address) has no address")) : .success(found)
        } catch { return .failure(error) }
    }

    /// Carries a loop's closure through another thread and back.
    private final class Receiver: @unchecked Sendable {
        let completion: (Result<[ResolvedAddress], any Error>) -> Void
        init(_ completion: @escaping (Result<[ResolvedAddress], any Error>) -> Void) { self.completion = completion }
    }
}
