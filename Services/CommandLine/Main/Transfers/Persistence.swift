import CommandLineKit
import Loop
import Protobuf
import RPC

/// How long a transfer that breaks off is taken up again: as long as it gets ahead, and else a few times more, with
/// growing pauses.
struct Persistence {
    private static let failuresMax = 8
    private let loop: EventLoop
    private let progress: Progress
    private var failures = 0
    private var best: Int64 = -1

    init(on loop: EventLoop, _ progress: Progress) {
        self.loop = loop
        self.progress = progress
    }

    /// So many bytes have arrived for good.
    mutating func reached(_ offset: Int64) {
        guard offset > best else { return }
        best = offset
        failures = 0
    }

    /// Waits before the next attempt.
    /// - Throws: the error where another attempt makes no sense; `CancellationError`.
    mutating func pause(after error: RPCError) async throws {
        failures += 1
        guard Persistence.isPassing(error), failures < Persistence.failuresMax, !Interruption.isRequested else {
            throw error
        }
        let ceiling = min(10, 0.2 * Double(1 << failures))
        let seconds = Double.random(in: ceiling / 2...ceiling)
        if failures > 2 { progress.note("\(DisplayText.harmless(error.message)); tries again") }
        try await loop.sleep(for: .milliseconds(Int64(seconds * 1000)))
    }

    private static func isPassing(_ error: RPCError) -> Bool {
        switch error.code {
        case .unavailable, .deadlineExceeded, .aborted: true
        // The transfer stands elsewhere than was thought: the next attempt asks where.
        case .failedPrecondition: true
        case .resourceExhausted: error.details.contains { $0.decode(as: Google.Rpc.RetryInfo.self) != nil }
        default: false
        }
    }
}
