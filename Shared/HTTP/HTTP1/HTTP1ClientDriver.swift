import Loop
final class HTTP1ClientDriver: ClientDriver {
    init(connection: Connection, limits: HTTPLimits, statistics: HTTPStatistics) {}
    func open(_ request: RequestHead, receiver: any HTTPStreamReceiver, end: Bool) -> HTTPStream? { nil }
    var openCapacity: Int { 0 }
    var onCapacity: (() -> Void)?
    var isSpent: Bool { true }
    var activeStreams: Int { 0 }
    func started() {}
    func received(_ bytes: UnsafeRawBufferPointer) {}
    func receivedEnd() -> Bool { false }
    func fillOutput() {}
    var isFinished: Bool { false }
    var wantsInput: Bool { true }
    func drain() {}
    func connectionClosed(_ reason: String) {}
}
