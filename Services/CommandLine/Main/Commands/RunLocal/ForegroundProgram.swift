import CommandLineKit
import Glibc
import Loop

/// A program that runs where the command does, and ends with it. What it writes to its standard error passes through here.
struct ForegroundProgram: Sendable {
    let arguments: [String]
    var variables: [String: String] = [:]
    let terminal: Terminal

    /// Runs it to its end. Where the task is cancelled the program is asked to end, and waited for.
    /// - Throws: `Failure` where it can't be started or did not end well; `CancellationError` where it was asked to end.
    func run() async throws {
        var ends: [Int32] = [-1, -1]
        guard pipe(&ends) == 0 else { throw failure() }
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        let (reading, writing) = (ends[0], ends[1])
        let started = Subprocess.start(arguments, variables, errors: writing)
        let reason = started == nil ? failure() : nil
        close(writing)
        guard let child = started else {
            close(reading)
            throw reason ?? failure()
        }
        let pool = ComputePool(threads: 1, name: "wait")
        try pool.start()
        defer { pool.stop() }
        let terminal = terminal
        let status = try await withTaskCancellationHandler {
            try await pool.run { () -> Int32 in
                ForegroundProgram.pass(reading, to: terminal)
                close(reading)
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

    private func failure() -> Failure {
        Failure(.failed, "cannot start \(arguments.first ?? ""): \(String(cString: strerror(errno)))")
    }

    private static func pass(_ descriptor: Int32, to terminal: Terminal) {
        var line: [UInt8] = []
        var piece = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let count = read(descriptor, &piece, piece.count)
            guard count > 0 || (count < 0 && errno == EINTR) else { break }
            for byte in piece.prefix(max(0, count)) {
                line.append(byte)
                guard byte == UInt8(ascii: "\n") || line.count >= 1 << 20 else { continue }
                terminal.write(LogText.shown(String(decoding: line, as: UTF8.self)), to: .error)
                line.removeAll(keepingCapacity: true)
            }
        }
        if !line.isEmpty { terminal.write(LogText.shown(String(decoding: line, as: UTF8.self)), to: .error) }
    }
}

/// Lines of the scorer's log as somebody reads them who looks for a fault.
enum LogText {
    /// A traceback stands in one line of a log, so that nobody forges another; here it gets its lines back.
    static func shown(_ line: String) -> String {
        guard line.contains("Traceback (most recent call last)") else { return line }
        return line.replacing("\\n", with: "\n    ").replacing("\\\"", with: "\"")
    }
}
