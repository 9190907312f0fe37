/// Finds what somebody may have meant.
package enum NearNames {
    /// The nearest of the names, where it is near enough that it may have been meant.
    package static func nearest(to name: String, of names: [String]) -> String? {
        let limit = max(1, min(3, name.utf8.count / 3))
        let wanted = name.lowercased()
        var best: (distance: Int, name: String)?
        for candidate in names where abs(candidate.utf8.count - wanted.utf8.count) <= limit {
            let distance = EditDistance.between(wanted, candidate.lowercased())
            guard distance <= limit, distance < best?.distance ?? .max else { continue }
            best = (distance, candidate)
        }
        return best?.name
    }
}
