import Expressions

/// A filter that is ready to be asked.
public struct EventFilter: EventFiltering {
    private let condition: FilterCondition?
    /// The types of events that it can let through; nil where it says nothing of types. Most filters name theirs, and are
    /// done with other events after this.
    public let types: Set<String>?

    init(_ condition: FilterCondition?) {
        self.condition = condition
        types = condition?.types
    }

    public func matches(_ event: EventRecord) -> Bool {
        if let types, !types.contains(event.type) { return false }
        return matches(EventView(event))
    }

    func matches(_ view: EventView) -> Bool { condition?.matches(view) ?? true }
}

/// Reads filters as Docs/events/filters.md has them.
public struct EventFilterParser: EventFilterParsing {
    public init() {}

    public func parse(_ text: String) throws(EventFilterError) -> any EventFiltering { try filter(text) }

    public func filter(_ text: String) throws(EventFilterError) -> EventFilter {
        do {
            return EventFilter(try FilterParser.parse(text))
        } catch {
            throw EventFilterError(position: error.column, error.message)
        }
    }
}

extension FilterCondition {
    /// The only types that an event can have that this is true of; nil where it may be any.
    var types: Set<String>? {
        switch self {
        case .and(let parts):
            return parts.compactMap(\.types).reduce(nil as Set<String>?) { $0?.intersection($1) ?? $1 }
        case .or(let parts):
            let each = parts.map(\.types)
            return each.contains(nil) ? nil : each.reduce(into: Set()) { $0.formUnion($1 ?? []) }
        case .not: return nil
        case .comparison(.type, .relation(.equal, .text(let type))): return [type]
        case .comparison(.type, .oneOf(let values)):
            return Set(values.compactMap { if case .text(let type) = $0 { type } else { nil } })
        case .comparison: return nil
        }
    }
}
