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

    /// Makes SIGTERM and SIGINT wait for `untilSignalled` instead of ending the process. Call before serving.
    public static func holdSignals() {
        _ = pipe(&signalPipe)
        for signal in [SIGTERM, SIGINT] {
            // Only the write is allowed in a handler; which thread it interrupts does not matter.
            Glibc.signal(signal) { _ in
                var byte: UInt8 = 1
                _ = write(Program.signalPipe[1], &byte, 1)
            }
        }
    }

    /// Returns when SIGTERM or SIGINT came. Blocks a thread of its own, not the caller's.
    public static func untilSignalled() async {
        await withCheckedContinuation { (continuation: CheckedContinuation<Void, Never>) in
            let box = Unmanaged.passRetained(Waiter(continuation))
            var thread = pthread_t()
            pthread_create(
                &thread, nil,
                { pointer in
                    var byte: UInt8 = 0
                    while read(Program.signalPipe[0], &byte, 1) < 0 && errno == EINTR {}
                    if let pointer { Unmanaged<Waiter>.fromOpaque(pointer).takeRetainedValue().continuation.resume() }
                    return nil
                }, box.toOpaque())
            pthread_detach(thread)
        }
    }

    /// Written once, before any signal can come.
    nonisolated(unsafe) private static var signalPipe: [Int32] = [-1, -1]

    private final class Waiter {
        let continuation: CheckedContinuation<Void, Never>
        init(_ continuation: CheckedContinuation<Void, Never>) { self.continuation = continuation }
    }
}
