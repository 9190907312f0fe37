@testable import HTTP
@testable import Loop

/// The first byte chooses what reads the rest: the head's reader, the chunks' or a whole server connection. Whatever is
/// read in one piece must read alike in many.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzHTTP1Head(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    guard count > 1 else { return 0 }
    let bytes = UnsafeRawBufferPointer(start: start + 1, count: count - 1)
    switch start[0] % 3 {
    case 0: heads(bytes)
    case 1: chunks(bytes)
    default: connection(bytes)
    }
    return 0
}

private func heads(_ bytes: UnsafeRawBufferPointer) {
    var whole = HTTP1HeadScanner(limit: 4096)
    let expected = whole.scan(bytes)
    var dripping = HTTP1HeadScanner(limit: 4096)
    var result = HTTP1HeadScanner.Result.incomplete
    for end in 1...bytes.count where result == .incomplete {
        result = dripping.scan(UnsafeRawBufferPointer(rebasing: bytes[..<end]))
    }
    // A limit may show itself earlier in pieces, with another complaint.
    if case .found = expected { precondition(result == expected, "the pieces read differently") }
    guard case .found(let start, let end) = expected else { return }
    if let request = try? HTTP1Request(bytes, start: start, end: end, isEncrypted: false, limit: 4096) {
        precondition(request.head.version == .http10 || request.head.fields.values("host").count == 1)
        request.head.fields.forEachBytes { name, value in
            precondition(!name.isEmpty && name.allSatisfy { $0 > 0x20 && $0 < 0x7f && $0.asciiLowercased == $0 })
            precondition(value.allSatisfy { $0 != 0 && $0 != 0x0d && $0 != 0x0a })
        }
        precondition(!request.head.target.utf8.contains { $0 <= 0x20 })
    }
    _ = try? HTTP1Response(bytes, start: start, end: end, isHead: false, limit: 4096)
}

private func chunks(_ bytes: UnsafeRawBufferPointer) {
    let (body, ending) = decode(bytes, step: bytes.count)
    for step in [1, 3] {
        let (other, otherEnding) = decode(bytes, step: step)
        precondition(body == other && ending == otherEnding, "the pieces read differently")
    }
}

private func decode(_ bytes: UnsafeRawBufferPointer, step: Int) -> ([UInt8], Int) {
    var decoder = ChunkedDecoder(limit: 4096)
    var body: [UInt8] = []
    for start in stride(from: 0, to: bytes.count, by: step) {
        let piece = UnsafeRawBufferPointer(rebasing: bytes[start..<min(start + step, bytes.count)])
        var position = 0
        feeding: while true {
            switch decoder.next(piece, at: &position, maximum: 7) {
            case .needsMore: break feeding
            case .bytes(let range): body += piece[range]
            case .end: return (body, start + position)
            case .bad: return (body, -1)
            }
        }
    }
    return (body, 0)
}

private func connection(_ bytes: UnsafeRawBufferPointer) {
    var limits = HTTPLimits()
    limits.headerBytes = 2048
    limits.streamWindowBytes = 64
    guard
        let connection = FuzzConnection({
            HTTP1ServerDriver(
                connection: $0, handler: FuzzHandler.shared, limits: limits, statistics: HTTPStatistics())
        })
    else { return }
    let step = max(1, Int(bytes[0]))
    for start in stride(from: 1, to: bytes.count, by: step) {
        connection.receive(UnsafeRawBufferPointer(rebasing: bytes[start..<min(start + step, bytes.count)]))
    }
    connection.end()
}
