/// A connection's streams by identifier: every frame looks one up.
///
/// Open addressing, at most half full. The multiplier is drawn anew for each connection, so that a peer can't choose
/// identifiers that all want one slot.
struct StreamTable {
    /// A table that grew beyond this gives its slots back when it is empty.
    private static let keptMax = 512

    /// Zero where the slot is free: no stream has that identifier.
    private var identifiers: [Int32] = []
    private var streams: [HTTPStream?] = []
    private(set) var count = 0
    private var shift: UInt32 = 32
    private let multiplier = UInt32.random(in: 0...UInt32.max) | 1

    private func home(_ identifier: Int32) -> Int {
        Int((UInt32(bitPattern: identifier) &* multiplier) >> shift)
    }

    private func next(_ index: Int) -> Int { (index + 1) & (identifiers.count - 1) }

    /// The slot of an identifier; nil where it has none.
    @inline(__always)
    private func find(_ identifier: Int32) -> Int? {
        guard count > 0, identifier != 0 else { return nil }
        var index = home(identifier)
        while identifiers[index] != identifier {
            if identifiers[index] == 0 { return nil }
            index = next(index)
        }
        return index
    }

    subscript(identifier: Int32) -> HTTPStream? { find(identifier).flatMap { streams[$0] } }

    /// Adds a stream whose identifier is not in the table.
    mutating func insert(_ stream: HTTPStream) {
        if (count + 1) * 2 > identifiers.count { grow() }
        place(stream)
        count += 1
    }

    mutating func remove(_ identifier: Int32) -> HTTPStream? {
        guard let index = find(identifier) else { return nil }
        let stream = streams[index].take()
        identifiers[index] = 0
        count -= 1
        if count == 0, identifiers.count > StreamTable.keptMax {
            identifiers = []
            streams = []
        } else {
            closeGap(at: index)
        }
        return stream
    }

    /// Empties the table and hands over what was in it.
    mutating func removeAll() -> [HTTPStream] {
        defer { self = StreamTable() }
        return all
    }

    var all: [HTTPStream] { streams.compactMap { $0 } }

    private mutating func place(_ stream: HTTPStream) {
        var index = home(stream.identifier)
        while identifiers[index] != 0 { index = next(index) }
        identifiers[index] = stream.identifier
        streams[index] = stream
    }

    private mutating func grow() {
        let kept = all
        let size = max(16, identifiers.count * 2)
        identifiers = Array(repeating: 0, count: size)
        streams = Array(repeating: nil, count: size)
        shift = UInt32(32 - size.trailingZeroBitCount)
        for stream in kept { place(stream) }
    }

    /// Moves back those behind the gap that can be found no more because of it.
    private mutating func closeGap(at gap: Int) {
        let mask = identifiers.count - 1
        var gap = gap
        var index = next(gap)
        while identifiers[index] != 0 {
            // How far it stands behind its home: it may move to the gap where that is not ahead of its home.
            let distance = (index - home(identifiers[index])) & mask
            if distance >= (index - gap) & mask {
                identifiers[gap] = identifiers[index]
                streams[gap] = streams[index].take()
                identifiers[index] = 0
                gap = index
            }
            index = next(index)
        }
    }
}
