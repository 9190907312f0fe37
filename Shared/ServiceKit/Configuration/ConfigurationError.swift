/// Why a configuration was refused. Tells every fault at once, each with its place; never a secret's value.
public struct ConfigurationError: Error, Equatable, CustomStringConvertible {
    public let faults: [String]
    public init(_ faults: [String]) { self.faults = faults }
    public var description: String { faults.joined(separator: "\n") }
}

enum Suggestion {
    /// The candidate that is likely meant: `; did you mean "x"?`, or nothing.
    static func phrase(for name: String, among candidates: [String]) -> String {
        let best = candidates.map { ($0, distance(Array(name.utf8), Array($0.utf8))) }.min { $0.1 < $1.1 }
        guard let best, best.1 <= max(2, name.utf8.count / 3) else { return "" }
        return "; did you mean \(best.0)?"
    }

    /// How many letters must be added, removed, replaced or swapped with their neighbour to make one of the other.
    static func distance(_ left: [UInt8], _ right: [UInt8]) -> Int {
        var before: [Int] = []
        var previous = Array(0...right.count)
        for i in 0..<left.count {
            var current = [i + 1]
            for j in 0..<right.count {
                var cost = min(previous[j + 1], current[j]) + 1
                cost = min(cost, previous[j] + (left[i] == right[j] ? 0 : 1))
                if i > 0, j > 0, left[i] == right[j - 1], left[i - 1] == right[j] {
                    cost = min(cost, before[j - 1] + 1)
                }
                current.append(cost)
            }
            before = previous
            previous = current
        }
        return previous[right.count]
    }
}
