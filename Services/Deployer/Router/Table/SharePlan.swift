/// In which order requests go to revisions: by smooth weighted turns, so that any run of as many requests as the weights
/// have together is divided exactly, and each revision's are spread evenly over it.
struct SharePlan: Sendable, Equatable {
    /// A table's weights are of a hundred; more would make the order needlessly long.
    static let weightMax = 10_000

    /// Revisions by turn.
    let order: [Int32]
    /// Each revision with the sum of the weights up to it, in the order of their numbers.
    private let bounds: [Bound]

    private struct Bound: Sendable, Equatable {
        let revision: Int32
        let end: Int
    }

    /// - Returns: nil where no weight is above zero.
    init?(_ weights: [(revision: Int32, weight: Int)]) {
        let positive = weights.filter { $0.weight > 0 }.sorted { $0.revision < $1.revision }
        let total = positive.reduce(0) { $0 + min($1.weight, SharePlan.weightMax) }
        guard total > 0, total <= SharePlan.weightMax else { return nil }
        var current = positive.map { _ in 0 }
        var order: [Int32] = []
        for _ in 0..<total {
            var best = 0
            for index in positive.indices {
                current[index] += positive[index].weight
                if current[index] > current[best] { best = index }
            }
            current[best] -= total
            order.append(positive[best].revision)
        }
        self.order = order
        var sum = 0
        bounds = positive.map { part in
            sum += part.weight
            return Bound(revision: part.revision, end: sum)
        }
    }

    /// The revision whose turn it is.
    func revision(turn: Int) -> Int32 { order[Int(UInt(bitPattern: turn) % UInt(order.count))] }

    /// The revision of a caller that names itself: the same for the same text while the weights stay, and for most texts
    /// when they move.
    func revision(for text: String) -> Int32 {
        let place = Int(SharePlan.hash(text) % UInt64(order.count))
        return (bounds.first { place < $0.end } ?? bounds[bounds.count - 1]).revision
    }

    func contains(_ revision: Int32) -> Bool { bounds.contains { $0.revision == revision } }

    /// FNV-1a with a last mix: the same on every router and after every start.
    private static func hash(_ text: String) -> UInt64 {
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for byte in text.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
        hash ^= hash >> 33
        hash &*= 0xff51_afd7_ed55_8ccd
        return hash ^ hash >> 33
    }
}
