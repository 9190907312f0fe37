import HTTP

/// What came of a request's body, kept for as long as it may have to be sent again.
struct RequestBody {
    /// Everything from the first byte, where `isKept`.
    private(set) var bytes: [UInt8] = []
    private(set) var isKept = true
    private(set) var received = 0
    private(set) var isEnded = false
    private(set) var trailers: HeaderFields?
    /// Bytes that the caller may not send more for yet.
    private var owed = 0

    mutating func append(_ piece: UnsafeRawBufferPointer) {
        received += piece.count
        owed += piece.count
        if isKept { bytes.append(contentsOf: piece) }
    }

    mutating func end(_ trailers: HeaderFields?) {
        isEnded = true
        self.trailers = trailers
    }

    /// Nothing is sent again any more.
    mutating func drop() {
        isKept = false
        bytes = []
    }

    /// Lets the caller send for what has been passed on.
    mutating func giveBack(to stream: HTTPStream?) {
        stream?.consumed(owed)
        owed = 0
    }
}
