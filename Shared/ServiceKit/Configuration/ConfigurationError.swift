import Spelling

/// Why a configuration was refused. Tells every fault at once, each with its place; never a secret's value.
public struct ConfigurationError: Error, Equatable, CustomStringConvertible {
    public let faults: [String]
    public init(_ faults: [String]) { self.faults = faults }
    public var description: String { faults.joined(separator: "\n") }
}

enum Suggestion {
    /// The candidate that is likely meant: `; did you mean "x"?`, or nothing.
    static func phrase(for name: String, among candidates: [String]) -> String {
        let best = candidates.map { ($0, EditDistance.between(name, $0)) }.min { $0.1 < $1.1 }
        guard let best, best.1 <= max(2, name.utf8.count / 3) else { return "" }
        return "; did you mean \(best.0)?"
    }
}
