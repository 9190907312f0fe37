import CommandLineKit
import Glibc
import Loop

/// A program that runs where the command does: it has its terminal, and ends with it.
struct ForegroundProgram {
    let arguments: [String]
    var variables: [String: String] = [:]

    /// Runs it to its end. Where the task is cancelled the program is asked to end, and waited for.
    /// - Throws: `Failure` where it can't be started or did not end well; `CancellationError` where it was asked to end.
    func run() async throws {
        guard let child = Subprocess.start(arguments, variables) else {
            throw Failure(
                .failed, "cannot start \(arguments.first ?? ""): \(String(cString: strerror(errno)))")
        }
        let pool = ComputePool(threads: 1, name: "wait")
        try pool.start()
        defer { pool.stop() }
        let status = try await withTaskCancellationHandler {
            try await pool.run { () -> Int32 in
                var status: Int32 = 0
                while waitpid(child, &status, 0) < 0, errno == EINTR {}
                return status
            }
        } onCancel: {
            // A terminal has told it already; whoever told only this process meant both.
            kill(child, SIGTERM)
        }
        try Task.checkCancellation()
        let signal = status & 0x7F
        guard signal == 0 else { throw Failure(.failed, "it was ended by signal \(signal)") }
        let code = (status >> 8) & 0xFF
        guard code == 0 else { throw Failure(.failed, "it ended with \(code)") }
    }
}
