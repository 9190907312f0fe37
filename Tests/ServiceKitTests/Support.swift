import Glibc
import Loop
import Testing

@testable import ServiceKit

/// Asks until `condition` holds, for at most ten seconds.
func eventually(_ what: Comment, _ condition: () -> Bool) async throws {
    for _ in 0..<2000 {
        if condition() { return }
        try await Task.sleep(for: .milliseconds(5))
    }
    Issue.record("never happened: \(what)")
}

/// Runs `body` with one loop, by the machine's clock where none is given.
func withLoop<Result: Sendable>(
    clock: any LoopClock = MonotonicClock(), _ body: (EventLoop) async throws -> Result
) async throws -> Result {
    let loops = try LoopGroup(count: 1, name: "test", clock: clock)
    try loops.start()
    defer { loops.stop() }
    return try await body(loops.loops[0])
}

/// A log whose output a test reads back.
final class CapturedLog {
    let writer: LogWriter
    private let file: Int32

    init(_ format: LogFormat = .json, redactor: Redactor = Redactor(), queueLimit: Int = 8192) throws {
        var template = Array("/tmp/slipway-log-XXXXXX".utf8CString)
        file = mkstemp(&template)
        unlink(template)
        try #require(file >= 0)
        var configuration = LogWriter.Configuration()
        configuration.descriptor = file
        configuration.format = format
        configuration.queueLimit = queueLimit
        writer = LogWriter(configuration, redactor: redactor)
    }

    deinit { close(file) }

    /// Ends the log and returns what it wrote.
    func text() -> String {
        writer.stop()
        let size = lseek(file, 0, SEEK_END)
        var bytes = [UInt8](repeating: 0, count: max(1, Int(size)))
        let count = pread(file, &bytes, bytes.count, 0)
        return String(decoding: bytes.prefix(max(0, count)), as: UTF8.self)
    }
}
