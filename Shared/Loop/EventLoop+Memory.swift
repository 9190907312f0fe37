/// After a burst its memory lies about in small free pieces that the allocator keeps for ever: ten thousand connections
/// would be paid for until the process ends. It is given back when the loop has come to rest, because that takes
/// milliseconds. Each loop does it for itself: the allocator keeps pieces by thread.
extension EventLoop {
    /// Work after which memory is worth looking after, counted in jobs.
    private static let workBeforeTrim = 10_000
    /// A loop that does less between two looks is at rest: scrapes and health checks go on for ever.
    private static let workAtRest = 5_000
    /// A channel's end leaves as much behind as this many jobs.
    static let workOfAChannel = 625

    @inline(__always)
    func worked(_ amount: Int) {
        workSinceTrim += amount
        if workSinceTrim >= EventLoop.workBeforeTrim, !isTrimDue { trimSoon() }
    }

    private func trimSoon() {
        guard !isStopping else { return }
        isTrimDue = true
        let before = workSinceTrim
        schedule(after: .seconds(2)) { [self] in
            guard workSinceTrim - before < EventLoop.workAtRest else { return trimSoon() }
            isTrimDue = false
            workSinceTrim = 0
            Allocator.trim()
            // mimalloc lets what becomes free wait a little before it goes back, and looks again only when it is used.
            schedule(after: .milliseconds(200)) { Allocator.trim() }
        }
    }
}
