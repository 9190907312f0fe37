import Glibc

/// Body bytes that wait to be sent, in order, without copying them together.
struct OutboundQueue {
    private var first: ArraySlice<UInt8> = []
    private var rest: [ArraySlice<UInt8>] = []
    private var restHead = 0
    private(set) var byteCount = 0

    var isEmpty: Bool { byteCount == 0 }

    mutating func append(_ bytes: ArraySlice<UInt8>) {
        guard !bytes.isEmpty else { return }
        if byteCount == 0 { first = bytes } else { rest.append(bytes) }
        byteCount += bytes.count
    }

    /// Moves `count` bytes to `destination`; there must be as many.
    mutating func move(to destination: UnsafeMutableRawPointer, count: Int) {
        precondition(count <= byteCount)
        var destination = destination
        var left = count
        while left > 0 {
            let step = min(left, first.count)
            first.withUnsafeBytes { _ = memcpy(destination, $0.baseAddress!, step) }
            destination += step
            left -= step
            byteCount -= step
            if step == first.count { advance() } else { first = first.dropFirst(step) }
        }
    }

    mutating func removeAll() { self = OutboundQueue() }

    private mutating func advance() {
        guard restHead < rest.count else {
            first = []
            return
        }
        first = rest[restHead]
        rest[restHead] = []
        restHead += 1
        // A queue that is never quite empty must not leave a trail of what was sent.
        if restHead == rest.count || restHead > 32 && restHead * 2 > rest.count {
            rest.removeFirst(restHead)
            restHead = 0
        }
    }
}
