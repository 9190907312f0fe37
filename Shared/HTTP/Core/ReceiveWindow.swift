/// How much a peer may still send before the receiver gives something back.
struct ReceiveWindow: Equatable {
    private let size: Int
    /// Bytes with the receiver that it has not given back.
    private var unconsumed = 0
    /// A full window opens again only when a good piece fits: handing out room as it trickles back would cut the body
    /// into ever smaller crumbs.
    private var isClosed = false

    init(_ size: Int) { self.size = max(1, size) }

    var room: Int { isClosed ? 0 : size - unconsumed }

    mutating func take(_ count: Int) {
        unconsumed += count
        if unconsumed >= size { isClosed = true }
    }

    mutating func give(_ count: Int) {
        unconsumed = max(0, unconsumed - count)
        if size - unconsumed >= min(64 * 1024, max(1, size / 4)) { isClosed = false }
    }
}
