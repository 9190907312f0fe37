/// Finds the end of a head in bytes that come in pieces, looking at each byte once.
struct HTTP1HeadScanner: Equatable {
    enum Result: Equatable {
        case incomplete
        case bad(HTTP1Failure)
        /// The head begins at `start` and its last line ends before `end`, where the empty line begins; the body begins
        /// two bytes later.
        case found(start: Int, end: Int)
    }

    private let limit: Int
    private var start = 0
    private var lineStart = 0
    private var scanned = 0

    init(limit: Int) { self.limit = limit }

    /// - Parameter bytes: everything since the message's first byte, the bytes of the call before included.
    mutating func scan(_ bytes: UnsafeRawBufferPointer) -> Result {
        while let feed = bytes.index(of: 0x0a, from: scanned) {
            scanned = feed + 1
            guard feed > lineStart, bytes[feed - 1] == 0x0d else {
                return .bad(HTTP1Failure(400, "a line does not end with CR LF"))
            }
            let isEmpty = feed - 1 == lineStart
            if isEmpty {
                // One empty line before a message is forgiven (RFC 9112, section 2.2).
                guard lineStart == 0 else {
                    guard lineStart > start else {
                        return .bad(HTTP1Failure(400, "the message begins with empty lines"))
                    }
                    return size(lineStart) > limit + lineAllowance ? tooLarge : .found(start: start, end: lineStart)
                }
                start = feed + 1
            }
            lineStart = feed + 1
        }
        scanned = bytes.count
        return size(bytes.count) > limit + lineAllowance ? tooLarge : .incomplete
    }

    /// The fields have the whole limit for themselves; the first line has some of its own.
    private var lineAllowance: Int { 8 * 1024 }

    private func size(_ end: Int) -> Int { end - start }

    private var tooLarge: Result {
        if lineStart == start { return .bad(HTTP1Failure(414, "the request's first line is too long")) }
        return .bad(HTTP1Failure(431, "the header fields take more than \(limit) bytes"))
    }
}
