/// A part of the requests. All together are 100, or there are none.
struct Share: Hashable, Sendable {
    var revision: Int
    var percent: Int
}

extension [Share] {
    /// In one order and without what gets nothing, so that equal divisions are equal.
    var normal: [Share] { filter { $0.percent > 0 }.sorted { $0.revision < $1.revision } }

    /// The same proportions among these revisions alone, 100 together; empty where none of them has a part.
    func among(_ revisions: Set<Int>) -> [Share] {
        let kept = normal.filter { revisions.contains($0.revision) }
        return kept.filling(100)
    }

    /// The new revision's part, and the rest as it was divided before.
    func giving(_ percent: Int, to revision: Int) -> [Share] {
        let rest = normal.filter { $0.revision != revision }.filling(100 - percent)
        return (rest + [Share(revision: revision, percent: percent)]).normal
    }

    /// Scaled to a sum, the largest remainders rounded up, so that nothing is lost.
    private func filling(_ sum: Int) -> [Share] {
        let total = reduce(0) { $0 + $1.percent }
        guard total > 0, sum > 0 else { return [] }
        var parts = map { Share(revision: $0.revision, percent: $0.percent * sum / total) }
        let remainders = indices.sorted {
            (self[$0].percent * sum % total, self[$1].revision) > (self[$1].percent * sum % total, self[$0].revision)
        }
        let missing = sum - parts.reduce(0) { $0 + $1.percent }
        for index in remainders.prefix(missing) { parts[index].percent += 1 }
        return parts.normal
    }

    /// How many replicas of `count` each revision has to have for its part, rounded up: a small part still is one replica.
    func dividing(_ count: Int) -> [Int: Int] {
        var result: [Int: Int] = [:]
        for share in self where share.percent > 0 {
            result[share.revision, default: 0] += (Swift.max(0, count) * share.percent + 99) / 100
        }
        return result
    }
}
