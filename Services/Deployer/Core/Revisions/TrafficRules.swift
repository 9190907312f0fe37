package import Contracts
package import ResourceKit

/// How requests may be divided.
package enum TrafficRules {
    static let sharesMax = 100

    /// The shares that are not zero.
    package static func complete(
        _ given: [V1.TrafficShare], _ violations: inout FieldViolations
    ) -> [V1.TrafficShare] {
        if given.count > sharesMax {
            violations.add("traffic", "there are \(given.count) shares; \(sharesMax) at most")
            return []
        }
        var seen: Set<Int32> = []
        for (index, share) in given.enumerated() {
            if share.revision < 1 { violations.add("traffic[\(index)].revision", "revisions count from 1") }
            if !(0...100).contains(share.percent) { violations.add("traffic[\(index)].percent", "it is 0 to 100") }
            if !seen.insert(share.revision).inserted {
                violations.add("traffic[\(index)].revision", "revision \(share.revision) has a share already")
            }
        }
        let whole = given.reduce(Int64(0)) { $0 + Int64($1.percent) }
        if whole != 100 { violations.add("traffic", "the shares are \(whole) together, and must be 100") }
        return given.filter { $0.percent != 0 }
    }
}
