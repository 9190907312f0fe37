/// Which statements a connection keeps prepared. Bounded: the least recently used goes.
struct StatementCache {
    private struct Key: Hashable {
        let query: PostgresQuery

        static func == (left: Key, right: Key) -> Bool {
            left.query.sql == right.query.sql
                && left.query.binds.entries.elementsEqual(right.query.binds.entries) { $0.type == $1.type }
        }
        func hash(into hasher: inout Hasher) {
            hasher.combine(query.sql)
            for entry in query.binds.entries { hasher.combine(entry.type.oid) }
        }
    }
    private struct Entry {
        let name: String
        var lastUse: UInt64
    }
    enum Lookup: Equatable {
        case hit(String)
        /// To be prepared under this name, after `evicted` was let go of.
        case miss(String, evicted: String?)
    }

    let capacity: Int
    private var entries: [Key: Entry] = [:]
    private var discarded: [String] = []
    private var uses: UInt64 = 0

    init(capacity: Int) { self.capacity = capacity }

    var count: Int { entries.count }

    mutating func lookup(_ query: PostgresQuery) -> Lookup {
        uses += 1
        let key = Key(query: query)
        if let index = entries.index(forKey: key) {
            entries.values[index].lastUse = uses
            return .hit(entries.values[index].name)
        }
        var evicted = discarded.popLast()
        if evicted == nil, entries.count >= capacity,
            let oldest = entries.min(by: { $0.value.lastUse < $1.value.lastUse })
        {
            evicted = oldest.value.name
            entries[oldest.key] = nil
        }
        // Only the types of the values belong to the key. A name is never used twice.
        let name = "s\(uses)"
        entries[Key(query: query.withoutValues)] = Entry(name: name, lastUse: uses)
        return .miss(name, evicted: evicted)
    }

    /// The server does not know that name, or no more.
    mutating func forget(_ query: PostgresQuery, name: String) {
        let key = Key(query: query)
        if entries[key]?.name == name { entries[key] = nil }
    }

    /// The server knows that name and it is of no use: it goes with the next miss.
    mutating func discard(_ query: PostgresQuery, name: String) {
        let key = Key(query: query)
        guard entries[key]?.name == name else { return }
        entries[key] = nil
        discarded.append(name)
    }
}
