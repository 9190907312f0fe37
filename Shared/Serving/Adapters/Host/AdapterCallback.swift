import Glibc

/// Keeps what an adapter is told to release out of its own calls into the host.
///
/// A completion may let go of the last reference to an instance, a model or an adapter, on a thread of the adapter's that
/// is still inside `complete`. Destroying the instance there would have the adapter wait for its own thread. What is
/// released during such a call is released on another thread instead.
enum AdapterCallback {
    private static let depth: pthread_key_t = {
        var key = pthread_key_t()
        pthread_key_create(&key, nil)
        return key
    }()

    /// Runs what an adapter has called the host for.
    static func run(_ body: () -> Void) {
        let outer = pthread_getspecific(depth)
        pthread_setspecific(depth, UnsafeRawPointer(bitPattern: 1))
        body()
        pthread_setspecific(depth, outer)
    }

    /// A release, with what has to live until it is done.
    final class Release: @unchecked Sendable {
        private let function: AdapterFunctions.Release
        private let pointer: OpaquePointer?
        private let keeping: AnyObject

        init(_ function: @escaping AdapterFunctions.Release, _ pointer: OpaquePointer?, keeping: AnyObject) {
            self.function = function
            self.pointer = pointer
            self.keeping = keeping
        }

        func perform() { function(pointer) }
    }

    /// Releases now, or where an adapter is calling, on a thread made for it.
    static func release(_ function: @escaping AdapterFunctions.Release, _ pointer: OpaquePointer?, keeping: AnyObject) {
        guard pthread_getspecific(depth) != nil else { return function(pointer) }
        let release = Unmanaged.passRetained(Release(function, pointer, keeping: keeping))
        var thread = pthread_t()
        let code = pthread_create(
            &thread, nil,
            { argument in
                guard let argument else { return nil }
                Unmanaged<Release>.fromOpaque(argument).takeRetainedValue().perform()
                return nil
            }, release.toOpaque())
        guard code == 0 else { return release.takeRetainedValue().perform() }
        pthread_detach(thread)
    }
}
