import CLinux
import Glibc

@testable import HTTP

/// A blocking socket that says exactly what a test wants it to say.
final class RawClient {
    let descriptor: Int32
    private var buffered: [UInt8] = []

    init(_ address: SocketAddress, seconds: Int = 10) throws {
        guard let raw = try RawAddress.resolve(address, passive: false).first else {
            throw SocketError("no such address", address)
        }
        descriptor = socket(raw.family, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        var limit = timeval(tv_sec: seconds, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        guard raw.withPointer({ connect(descriptor, $0, $1) }) == 0 else {
            throw SocketError("cannot connect", number: errno, address)
        }
    }

    deinit { close(descriptor) }

    /// - Returns: how many bytes went out before the peer stopped taking them.
    @discardableResult func send(_ bytes: [UInt8]) -> Int {
        var sent = 0
        while sent < bytes.count {
            let count = bytes[sent...].withUnsafeBytes { slipway_send(descriptor, $0.baseAddress, $0.count) }
            guard count > 0 else { break }
            sent += count
        }
        return sent
    }

    @discardableResult func send(_ text: String) -> Int { send(Array(text.utf8)) }

    func finish() { shutdown(descriptor, Int32(SHUT_WR)) }

    /// Makes the coming close a reset.
    func resetsOnClose() {
        var option = linger(l_onoff: 1, l_linger: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &option, socklen_t(MemoryLayout<linger>.size))
    }

    /// The next bytes; empty at the peer's end, nil where nothing came in time or the connection broke.
    func receive(atMost limit: Int = 65536) -> [UInt8]? {
        if !buffered.isEmpty {
            defer { buffered.removeFirst(min(limit, buffered.count)) }
            return Array(buffered.prefix(limit))
        }
        var bytes = [UInt8](repeating: 0, count: limit)
        let count = recv(descriptor, &bytes, limit, 0)
        return count < 0 ? nil : Array(bytes.prefix(count))
    }

    /// Everything until the peer's end; nil in front where it never came.
    func receiveAll() -> String? {
        var bytes: [UInt8] = []
        while let more = receive() {
            if more.isEmpty { return String(decoding: bytes, as: UTF8.self) }
            bytes += more
        }
        return nil
    }

    /// Up to and with `mark`, or what came before the end.
    func receive(until mark: String) -> String {
        var bytes: [UInt8] = []
        let mark = Array(mark.utf8)
        while let more = receive(), !more.isEmpty {
            for (index, byte) in more.enumerated() {
                bytes.append(byte)
                if byte == mark.last, bytes.suffix(mark.count).elementsEqual(mark) {
                    buffered = Array(more[(index + 1)...]) + buffered
                    return String(decoding: bytes, as: UTF8.self)
                }
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
