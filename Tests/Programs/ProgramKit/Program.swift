import Glibc

/// What the small programs share: a failure is one line on standard error, and signals end them in order.
public enum Program {
    /// Runs `body`; an error becomes its message and exit code 2.
    public static func main(_ body: @Sendable () async throws -> Void) async {
        do { try await body() } catch {
            complain("\(error)")
            exit(2)
        }
    }

    public static func complain(_ text: String) {
        let line = "\(text)\n"
        _ = line.withCString { write(STDERR_FILENO, $0, strlen($0)) }
    }

    /// Writes a line at once, so that a program that waits for it sees it.
    public static func say(_ text: String) {
        let line = "\(text)\n"
        _ = line.withCString { write(STDOUT_FILENO, $0, strlen($0)) }
    }

    /// Takes SIGTERM and SIGINT away from every thread made from now on. Call before any thread starts.
    public static func holdSignals() {
        var set = endSignals()
        pthread_sigmask(SIG_BLOCK, &set, nil)
    }

    /// Returns when SIGTERM or SIGINT comes. Blocks a thread of its own, not the caller's.
    public static func untilSignalled() async {
        await withCheckedContinuation { (continuation: CheckedContinuation<Void, Never>) in
            let box = Unmanaged.passRetained(Waiter(continuation))
            var thread = pthread_t()
            pthread_create(
                &thread, nil,
                { pointer in
                    var set = Program.endSignals()
                    var signal: Int32 = 0
                    sigwait(&set, &signal)
                    if let pointer { Unmanaged<Waiter>.fromOpaque(pointer).takeRetainedValue().continuation.resume() }
                    return nil
                }, box.toOpaque())
            pthread_detach(thread)
        }
    }

    private static func endSignals() -> sigset_t {
        var set = sigset_t()
        sigemptyset(&set)
        sigaddset(&set, SIGTERM)
        sigaddset(&set, SIGINT)
        return set
    }

    private final class Waiter {
        let continuation: CheckedContinuation<Void, Never>
        init(_ continuation: CheckedContinuation<Void, Never>) { self.continuation = continuation }
    }
}
