public import Contracts
public import Journal

/// Which rows of the journal are events for others, and what they look like there. Pure, and the same in every process.
public protocol EventMapping: Sendable {
    /// The event's id is the number of the row, `record.cursor.id`, in decimal: by it the row is found again.
    /// - Returns: nil for what stays in the house.
    func event(from record: JournalRecord) -> EventRecord?
    /// The types that there are, by name.
    var types: [Slipway.Events.V1.EventType] { get }
}
