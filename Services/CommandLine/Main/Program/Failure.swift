import CommandLineKit
import Protobuf
import RPC

/// Why a command failed, as it is told and as the exit code says it.
struct Failure: Error {
    let code: ExitCode
    let message: String

    init(_ code: ExitCode, _ message: String) {
        self.code = code
        self.message = message
    }

    static let interrupted = Failure(
        .interrupted, "interrupted; the same command goes on where this one stopped")

    init(_ error: any Error) {
        switch error {
        case let error as Failure: self = error
        case let error as UsageError: self.init(.usage, "\(error)")
        case let error as RPCError: self.init(error)
        case is CancellationError: self = .interrupted
        default: self.init(.failed, DisplayText.harmless("\(error)"))
        }
    }

    private init(_ error: RPCError) {
        var lines = [error.message.isEmpty ? error.code.name : error.message]
        if let request = error.details.lazy.compactMap({ $0.decode(as: Google.Rpc.BadRequest.self) }).first {
            lines += request.fieldViolations.map { "\($0.field): \($0.description)" }
        }
        if let unmet = error.details.lazy.compactMap({ $0.decode(as: Google.Rpc.PreconditionFailure.self) }).first {
            lines += unmet.violations.map { "\($0.subject): \($0.description)" }
        }
        if error.code == .unauthenticated {
            lines.append("sign in with `slipway login`, or set SLIPWAY_TOKEN")
        }
        // The first line often says what the first detail does.
        let head = lines[0]
        var shown = [head]
        for line in lines.dropFirst() where !head.contains(line) && shown.count < 12 { shown.append("  " + line) }
        if lines.count > 13 { shown.append("  and \(lines.count - 12) more") }
        self.init(
            Failure.code(of: error.code),
            shown.flatMap { $0.split(separator: "\n", omittingEmptySubsequences: false) }
                .map { DisplayText.harmless(String($0)) }.joined(separator: "\n"))
    }

    static func code(of code: RPCCode) -> ExitCode {
        switch code {
        case .invalidArgument, .outOfRange: .usage
        case .notFound: .notFound
        case .unauthenticated, .permissionDenied: .denied
        case .alreadyExists, .aborted, .failedPrecondition: .conflict
        case .unavailable, .deadlineExceeded: .unreachable
        default: .failed
        }
    }
}
