/// A filter that was parsed: asked for every event and every subscription, so it must be quick.
public protocol EventFiltering: Sendable {
    func matches(_ event: EventRecord) -> Bool
}

/// Reads filters as people write them.
public protocol EventFilterParsing: Sendable {
    /// - Throws: `EventFilterError`. The empty text lets everything through.
    func parse(_ text: String) throws(EventFilterError) -> any EventFiltering
}

/// Why a text is no filter, and where.
public struct EventFilterError: Error, Sendable, Hashable, CustomStringConvertible {
    /// Counted in characters, from 1.
    public var position: Int
    public var message: String

    public init(position: Int, _ message: String) {
        self.position = position
        self.message = message
    }

    public var description: String { "at position \(position): \(message)" }
}
