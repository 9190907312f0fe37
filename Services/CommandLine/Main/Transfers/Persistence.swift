import CommandLineKit
import Loop
import Protobuf
import RPC

/// How long what breaks off is taken up again: as long as it gets ahead, and else a few times more, with growing pauses.
struct Persistence {
    private let loop: EventLoop
    private let failuresMax: Int
    private let isTransfer: Bool
    private let note: @Sendable (String) -> Void
    private var failures = 0
    private var best: Int64 = -1
    private var noted = ""
    /// What never began is not worth much patience: its address may be wrong.
    private static let failuresBeforeBeginMax = 3

    /// For a transfer of bytes.
    init(on loop: EventLoop, _ progress: Progress) {
        self.init(on: loop, failuresMax: 8, isTransfer: true, note: { progress.note($0) })
    }

    /// For a stream that is followed.
    init(on loop: EventLoop, failuresMax: Int = 8, note: @escaping @Sendable (String) -> Void) {
        self.init(on: loop, failuresMax: failuresMax, isTransfer: false, note: note)
    }

    private init(
        on loop: EventLoop, failuresMax: Int, isTransfer: Bool, note: @escaping @Sendable (String) -> Void
    ) {
        self.loop = loop
        self.failuresMax = failuresMax
        self.isTransfer = isTransfer
        self.note = note
    }

    /// It got so far for good: so many bytes, or lines.
    mutating func reached(_ offset: Int64) {
        guard offset > best else { return }
        best = offset
        failures = 0
        noted = ""
    }

    /// Waits before the next attempt.
    /// - Throws: the error where another attempt makes no sense; `CancellationError`.
    mutating func pause(after error: RPCError) async throws {
        failures += 1
        let limit = isTransfer || best >= 0 ? failuresMax : Persistence.failuresBeforeBeginMax
        guard isPassing(error), failures < limit, !Interruption.isRequested else {
            throw error
        }
        let ceiling = min(10, 0.2 * Double(1 << min(failures, 10)))
        let seconds = Double.random(in: ceiling / 2...ceiling)
        let text = "\(Persistence.firstLine(error.message)); tries again"
        if failures > 2, text != noted {
            noted = text
            note(text)
        }
        try await loop.sleep(for: .milliseconds(Int64(seconds * 1000)))
    }

    private static func firstLine(_ text: String) -> String {
        DisplayText.harmless(String(text.prefix { !$0.isNewline }))
    }

    private func isPassing(_ error: RPCError) -> Bool {
        switch error.code {
        case .unavailable, .deadlineExceeded, .aborted: true
        // The transfer stands elsewhere than was thought: the next attempt asks where.
        case .failedPrecondition: isTransfer
        case .resourceExhausted: error.details.contains { $0.decode(as: Google.Rpc.RetryInfo.self) != nil }
        default: false
        }
    }
}
