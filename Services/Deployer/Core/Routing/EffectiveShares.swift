package import Contracts

/// Which revisions get the requests, given what was asked for and what is ready. A revision without a single ready replica
/// gets none as long as another one can have them: what was asked for comes about as soon as it can.
package struct EffectiveShares: Hashable, Sendable {
    package var shares: [Slipway.Routing.V1.RouteShare]

    /// - Parameters:
    ///   - desired: 100 together.
    ///   - ready: revisions with a ready replica.
    ///   - before: the revision that served before who serves was changed; 0 where none did.
    package init(desired: [Slipway.Routing.V1.RouteShare], ready: Set<Int32>, before: Int32) {
        let asked = desired.filter { $0.percent > 0 }.sorted { $0.revision < $1.revision }
        let able = asked.filter { ready.contains($0.revision) }
        if able.count == asked.count {
            shares = asked
        } else if able.isEmpty {
            // Where nothing at all is ready, requests wait for what was asked for.
            shares = ready.contains(before) ? [.init(revision: before, percent: 100)] : asked
        } else {
            shares = EffectiveShares.spread(able)
        }
    }

    /// The same proportions, 100 together: what is left over by rounding goes to the largest remainders.
    private static func spread(_ able: [Slipway.Routing.V1.RouteShare]) -> [Slipway.Routing.V1.RouteShare] {
        let whole = able.reduce(0) { $0 + $1.percent }
        var spread = able
        for index in spread.indices { spread[index].percent = able[index].percent * 100 / whole }
        let missing = Int(100 - spread.reduce(0) { $0 + $1.percent })
        let order = able.indices.sorted { left, right in
            let (first, second) = (able[left].percent * 100 % whole, able[right].percent * 100 % whole)
            return first == second ? left < right : first > second
        }
        for index in order.prefix(missing) { spread[index].percent += 1 }
        return spread
    }
}
