import Glibc
import Loop

/// Waits for the first bytes on a plain port and hands the connection to the protocol that they speak: HTTP/2 with prior
/// knowledge begins with a preface that is no HTTP/1 request, and the first byte that differs decides.
final class PrefaceDriver: ConnectionDriver {
    private static let preface: StaticString = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"

    private var connection: Connection?
    private let choose: (_ isHTTP2: Bool) -> any ConnectionDriver
    private var seen: [UInt8] = []
    private var timer: LoopTimer?

    init(connection: Connection, timeout: Duration, choose: @escaping (_ isHTTP2: Bool) -> any ConnectionDriver) {
        self.connection = connection
        self.choose = choose
        timer = connection.loop.schedule(after: timeout) { connection.close("nothing came within \(timeout)") }
    }

    func started() {}

    func received(_ bytes: UnsafeRawBufferPointer) {
        seen.append(contentsOf: bytes)
        let count = min(seen.count, PrefaceDriver.preface.utf8CodeUnitCount)
        let matches = seen.withUnsafeBytes { memcmp($0.baseAddress!, PrefaceDriver.preface.utf8Start, count) == 0 }
        if !matches {
            handOver(isHTTP2: false)
        } else if count == PrefaceDriver.preface.utf8CodeUnitCount {
            handOver(isHTTP2: true)
        }
    }

    private func handOver(isHTTP2: Bool) {
        guard let connection else { return }
        stopWaiting()
        let driver = choose(isHTTP2)
        connection.driver = driver
        driver.started()
        let bytes = seen
        seen = []
        if !connection.isClosed { bytes.withUnsafeBytes { driver.received($0) } }
    }

    private func stopWaiting() {
        timer?.cancel()
        timer = nil
        connection = nil
    }

    func receivedEnd() -> Bool { false }
    func fillOutput() {}
    var isFinished: Bool { false }
    var wantsInput: Bool { true }
    func drain() { connection?.close("the server stops") }
    func connectionClosed(_ reason: String) { stopWaiting() }
}
