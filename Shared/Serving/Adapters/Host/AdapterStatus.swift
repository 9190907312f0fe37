import AdapterABI
import Loop

/// An error as an adapter said it.
struct AdapterStatus: Sendable, Equatable {
    var code: slipway_code
    var message: String

    /// Where an error came up: the same code says different things of a request and of a model's files.
    enum Phase: Sendable {
        case opening, loading, executing
    }

    func error(_ phase: Phase) -> ServingError {
        ServingError(kind(phase), message.isEmpty ? "the adapter gave no reason (code \(code))" : message)
    }

    private func kind(_ phase: Phase) -> ServingError.Kind {
        switch code {
        case SLIPWAY_CANCELLED: .cancelled
        case SLIPWAY_INVALID_ARGUMENT: .invalidInput
        case SLIPWAY_DEADLINE_EXCEEDED: .deadlineExceeded
        case SLIPWAY_RESOURCE_EXHAUSTED: .overloaded
        case SLIPWAY_UNIMPLEMENTED: .unsupported
        case SLIPWAY_UNAVAILABLE: .unavailable
        default: phase == .executing ? .modelFailed : .unloadable
        }
    }
}

/// The statuses that an adapter holds between making and returning them.
///
/// An adapter gets a number that looks like a pointer. Numbers are never given twice, so a status that is returned twice,
/// or that this host never made, is noticed rather than followed into memory.
final class AdapterStatuses: Sendable {
    private struct Held {
        var next: UInt = 0x1000
        var statuses: [UInt: AdapterStatus] = [:]
    }
    /// More than an adapter that returns its statuses can come to.
    static let heldMax = 65_536
    static let messageBytesMax = 65_536
    private let held = Lock(Held())

    func make(_ status: AdapterStatus) -> OpaquePointer? {
        held.withLock { held in
            if held.statuses.count >= AdapterStatuses.heldMax { held.statuses.removeAll() }
            held.next += 16
            held.statuses[held.next] = status
            return OpaquePointer(bitPattern: held.next)
        }
    }

    /// Nothing where no such status is held.
    func take(_ status: OpaquePointer) -> AdapterStatus? {
        held.withLock { $0.statuses.removeValue(forKey: UInt(bitPattern: status)) }
    }

    /// How many were made and not returned.
    var count: Int { held.withLock { $0.statuses.count } }
}
