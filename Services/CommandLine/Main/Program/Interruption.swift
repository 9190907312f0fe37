import CommandLineKit
import Glibc
import Synchronization

/// Ctrl-C, and a polite request to end.
enum Interruption {
    private static let requested = Atomic<Bool>(false)

    /// Whether the process was asked to end. For loops that burn or block.
    static var isRequested: Bool { requested.load(ordering: .relaxed) }

    /// - Throws: `CancellationError` once the process was asked to end.
    static func check() throws {
        if isRequested { throw CancellationError() }
    }

    /// Waits for a signal. The signals are held in every thread.
    static func wait() {
        var set = sigset_t()
        sigemptyset(&set)
        sigaddset(&set, SIGINT)
        sigaddset(&set, SIGTERM)
        var number: Int32 = 0
        while sigwait(&set, &number) != 0 {}
        requested.store(true, ordering: .relaxed)
        // A read from the terminal can't be cancelled.
        if HiddenInput.restore() { exit(ExitCode.interrupted.rawValue) }
    }
}
