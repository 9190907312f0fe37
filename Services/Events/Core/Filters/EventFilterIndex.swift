/// Many filters that are asked of the same events: only those are looked at that may let an event of its type through, and
/// its data are read once for all.
public struct EventFilterIndex<Key: Hashable & Sendable>: Sendable {
    private var byType: [String: [Entry]] = [:]
    private var ofAnyType: [Entry] = []

    private struct Entry: Sendable {
        let key: Key
        let filter: EventFilter
    }

    public init(_ filters: [(key: Key, filter: EventFilter)] = []) {
        for (key, filter) in filters { insert(filter, for: key) }
    }

    /// Adds a filter; one that was there for the key goes.
    public mutating func insert(_ filter: EventFilter, for key: Key) {
        remove(key)
        guard let types = filter.types else { return ofAnyType.append(Entry(key: key, filter: filter)) }
        for type in types { byType[type, default: []].append(Entry(key: key, filter: filter)) }
    }

    public mutating func remove(_ key: Key) {
        ofAnyType.removeAll { $0.key == key }
        for type in byType.keys {
            byType[type]?.removeAll { $0.key == key }
            if byType[type]?.isEmpty == true { byType[type] = nil }
        }
    }

    /// The keys of those that let the event through.
    public func matching(_ event: EventRecord) -> [Key] {
        let view = EventView(event)
        return (ofAnyType + (byType[event.type] ?? [])).filter { $0.filter.matches(view) }.map(\.key)
    }
}
