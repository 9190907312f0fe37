/// A table that forgets what was not asked for lately rather than grow: two generations, of which the older goes when the
/// younger is full.
package struct BoundedTable<Key: Hashable, Value> {
    private var young: [Key: Value] = [:]
    private var old: [Key: Value] = [:]
    /// Entries of one generation.
    private let capacity: Int

    /// - Parameter capacity: at least so many are kept, and at most twice as many.
    package init(capacity: Int) { self.capacity = max(1, capacity) }

    package var count: Int { young.count + old.count }

    package mutating func find(_ key: Key) -> Value? {
        if let value = young[key] { return value }
        guard let value = old.removeValue(forKey: key) else { return nil }
        put(key, value)
        return value
    }

    package mutating func put(_ key: Key, _ value: Value) {
        if young.count >= capacity, young[key] == nil {
            old = young
            young = [:]
        } else {
            old[key] = nil
        }
        young[key] = value
    }

    package mutating func remove(_ key: Key) {
        young[key] = nil
        old[key] = nil
    }

    package mutating func removeAll(where isGone: (Value) -> Bool) {
        young = young.filter { !isGone($0.value) }
        old = old.filter { !isGone($0.value) }
    }

    package mutating func removeAll() {
        young = [:]
        old = [:]
    }
}
