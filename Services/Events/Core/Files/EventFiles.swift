import Contracts
import Loop

/// How files of events are kept.
public struct EventFileRules: Sendable {
    /// Whether what was written is on the disk before it counts as delivered.
    public var syncs: Bool
    /// A file of so many bytes gets `.1` to its name, and a new one is begun.
    public var bytesMax: Int
    /// So many of the former ones are kept.
    public var kept: Int

    public init(syncs: Bool = true, bytesMax: Int = 64 << 20, kept: Int = 9) {
        self.syncs = syncs
        self.bytesMax = bytesMax
        self.kept = kept
    }
}

/// Writes events to files below one folder, a JSON document a line.
struct EventFiles: Sendable {
    let folder: String?
    let rules: EventFileRules
    let pool: ComputePool

    func send(_ batch: [EventRecord], _ file: Slipway.Events.V1.EventFile) async -> DeliveryOutcome {
        let started = ContinuousClock.now
        var lines: [UInt8] = []
        for event in batch {
            lines += CloudEvent(event).structured
            lines.append(UInt8(ascii: "\n"))
        }
        var outcome: DeliveryOutcome
        do {
            let place = try EventFilePath(file.path, below: folder)
            let (bytes, rules) = (lines, rules)
            try await pool.run { try EventFileWriter(place: place, rules: rules).append(bytes) }
            outcome = DeliveryOutcome(.delivered, "\(lines.count) bytes written")
        } catch let error as DestinationError {
            outcome = DeliveryOutcome(.failed(retryAfter: nil), error.message)
        } catch {
            outcome = DeliveryOutcome(.failed(retryAfter: nil), "\(error)")
        }
        outcome.took = ContinuousClock.now - started
        return outcome
    }

    /// - Throws: `DestinationError`.
    func check(_ file: Slipway.Events.V1.EventFile) async throws {
        let place = try EventFilePath(file.path, below: folder)
        let rules = rules
        do { try await pool.run { try EventFileWriter(place: place, rules: rules).append([]) } } catch let error
            as EventFileError
        {
            throw DestinationError(.invalid, field: "file.path", error.description)
        }
    }
}
