/// What is known of one thing, a line each.
public struct Facts: Sendable {
    private var entries: [(name: String, value: String)] = []

    public init() {}

    /// Adds a line; nothing where the value is empty.
    public mutating func add(_ name: String, _ value: String) {
        guard !value.isEmpty else { return }
        entries.append((name, DisplayText.harmless(value)))
    }

    /// Adds a line for each pair, by key.
    public mutating func add(_ name: String, _ pairs: [String: String]) {
        for (index, pair) in pairs.sorted(by: { $0.key < $1.key }).enumerated() {
            entries.append((index == 0 ? name : "", DisplayText.harmless("\(pair.key)=\(pair.value)")))
        }
    }

    public func text(emphasis: (String) -> String = { $0 }) -> String {
        let width = entries.reduce(0) { max($0, $1.name.count) }
        return entries.map { entry in
            emphasis(entry.name) + String(repeating: " ", count: width - entry.name.count + 2) + entry.value + "\n"
        }.joined()
    }
}
