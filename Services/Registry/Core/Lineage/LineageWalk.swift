import Contracts

/// A graph while it is gathered, one ring of neighbours after the other. Pure: who asks the database tells it what was found.
struct LineageWalk {
    static let nodesMax = 1000

    private(set) var nodes: [String] = []
    private var known: Set<String> = []
    private(set) var edges: [Slipway.Models.V1.LineageEdge] = []
    private var drawn: Set<Slipway.Models.V1.LineageEdge> = []
    private(set) var isTruncated = false
    /// What was found last, whose neighbours are not known yet.
    private(set) var edge: [String]

    init(from center: String) {
        edge = [center]
        _ = add(center)
    }

    /// Goes on to the neighbours that were found.
    mutating func step(_ found: [Slipway.Models.V1.LineageEdge], downstream: Bool) {
        var next: [String] = []
        for link in found {
            let neighbour = downstream ? link.to : link.from
            let isNew = !known.contains(neighbour)
            guard !isNew || add(neighbour) else { continue }
            if isNew { next.append(neighbour) }
            if drawn.insert(link).inserted { edges.append(link) }
        }
        edge = next
    }

    /// Begins anew at the center for the other direction.
    mutating func turn(to center: String) { edge = [center] }

    mutating func truncate() { isTruncated = true }

    private mutating func add(_ node: String) -> Bool {
        guard nodes.count < LineageWalk.nodesMax else {
            isTruncated = true
            return false
        }
        known.insert(node)
        nodes.append(node)
        return true
    }
}
