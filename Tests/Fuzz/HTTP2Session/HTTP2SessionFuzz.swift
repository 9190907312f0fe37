@testable import HTTP
@testable import Loop

private let preface = [UInt8]("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8) + [0, 0, 0, 4, 0, 0, 0, 0, 0]

/// Feeds bytes to a server's session, in steps that the first byte chooses; with an even one a right beginning is put in
/// front, so that the fuzzer need not find it.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzHTTP2Session(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    guard count > 1 else { return 0 }
    var limits = HTTPLimits()
    limits.headerBytes = 4096
    limits.streamWindowBytes = 1024
    let statistics = HTTPStatistics()
    guard
        let connection = FuzzConnection({
            HTTP2Driver(
                connection: $0, role: .server(FuzzHandler.shared), limits: limits, statistics: statistics)
        })
    else { return 0 }
    if start[0] & 1 == 0 { preface.withUnsafeBytes { connection.receive($0) } }
    let bytes = UnsafeRawBufferPointer(start: start + 1, count: count - 1)
    let step = max(1, Int(start[0] >> 1) * 4)
    for start in stride(from: 0, to: bytes.count, by: step) {
        connection.receive(UnsafeRawBufferPointer(rebasing: bytes[start..<min(start + step, bytes.count)]))
    }
    connection.end()
    precondition(statistics.openStreams == 0, "a stream is left")
    return 0
}
