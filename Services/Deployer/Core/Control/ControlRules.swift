/// The times that control goes by.
struct ControlRules: Sendable {
    /// From the route without a replica to its end: longer than routers need to hear of it, also where a bell got lost.
    var drain: Duration = .seconds(7)
    /// The first pause before a replica is begun again; it doubles.
    var firstPause: Duration = .seconds(1)
    var longestPause: Duration = .seconds(60)
    /// Who was ready for so long begins with the first pause again.
    var steady: Duration = .seconds(300)
    /// So many times in a row begun again in vain, and it counts as a loop.
    var loop = 2
    /// When to look again for room at a place.
    var roomPause: Duration = .seconds(5)
    /// What is left to a replica that doesn't answer any more.
    var hungGrace: Duration = .seconds(5)

    /// The pause before the next try, after so many in a row.
    func pause(after restarts: Int) -> Duration {
        min(longestPause, firstPause * Double(1 << max(0, min(restarts, 20))))
    }
}
