import Glibc
import Loop

/// A receiver that does with each request just what it is told, however bad.
final class RawReceiver: Sendable {
    enum Act: Sendable {
        case say(String)
        /// One byte after the other, each a segment of its own, until there are no more or nobody listens.
        case drip(String)
        /// So many bytes, or until nobody listens.
        case flood(Int)
        /// Until the other side goes.
        case hang
    }

    let port: Int
    private let listener: Int32
    private let pool = ComputePool(threads: 8, name: "receiver")
    private let requests = Lock<[String]>([])
    private let answer: @Sendable (String) -> [Act]

    init(_ answer: @escaping @Sendable (_ request: String) -> [Act]) throws {
        self.answer = answer
        listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        port = withUnsafeMutablePointer(to: &address) { [listener] pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { raw in
                _ = bind(listener, raw, length)
                _ = listen(listener, 64)
                getsockname(listener, raw, &length)
            }
            return Int(UInt16(bigEndian: pointer.pointee.sin_port))
        }
        try pool.start()
        _ = pool.submit { [self] in accept() }
    }

    var url: String { "http://127.0.0.1:\(port)/hook" }
    /// The requests that came, whole.
    var seen: [String] { requests.withLock { $0 } }

    func stop() {
        shutdown(listener, Int32(SHUT_RDWR))
        close(listener)
        pool.stop()
    }

    private func accept() {
        while true {
            let peer = Glibc.accept(listener, nil, nil)
            guard peer >= 0 else { return }
            _ = pool.submit { [self] in serve(peer) }
        }
    }

    private func serve(_ peer: Int32) {
        defer { close(peer) }
        while let request = read(peer) {
            requests.withLock { $0.append(request) }
            let acts = answer(request)
            for act in acts { guard perform(act, peer) else { return } }
            // What says nothing more closes.
            if acts.isEmpty
                || !acts.contains(where: {
                    if case .say(let text) = $0 { text.contains("Content-Length") } else { false }
                })
            {
                return
            }
        }
    }

    private func read(_ peer: Int32) -> String? {
        var (bytes, buffer) = ([UInt8](), [UInt8](repeating: 0, count: 1 << 16))
        while true {
            let text = String(decoding: bytes, as: UTF8.self)
            if let head = text.range(of: "\r\n\r\n") {
                let length =
                    text[..<head.lowerBound].lowercased().split(separator: "\r\n")
                    .first { $0.hasPrefix("content-length:") }.flatMap { Int($0.dropFirst(15).filter(\.isNumber)) } ?? 0
                if text[head.upperBound...].utf8.count >= length { return text }
            }
            let count = Glibc.read(peer, &buffer, buffer.count)
            guard count > 0 else { return nil }
            bytes += buffer[..<count]
        }
    }

    private func perform(_ act: Act, _ peer: Int32) -> Bool {
        switch act {
        case .say(let text): return write(Array(text.utf8), peer)
        case .drip(let text):
            for byte in text.utf8 {
                guard write([byte], peer) else { return false }
                usleep(20_000)
            }
            return true
        case .flood(let count):
            let piece = [UInt8](repeating: 0x61, count: 1 << 16)
            for _ in 0..<count / piece.count { guard write(piece, peer) else { return false } }
            return true
        case .hang:
            var byte: UInt8 = 0
            while Glibc.read(peer, &byte, 1) > 0 {}
            return false
        }
    }

    private func write(_ bytes: [UInt8], _ peer: Int32) -> Bool {
        var sent = 0
        while sent < bytes.count {
            let count = bytes.withUnsafeBytes {
                Glibc.send(peer, $0.baseAddress.map { $0 + sent }, bytes.count - sent, Int32(MSG_NOSIGNAL))
            }
            guard count > 0 else { return false }
            sent += count
        }
        return true
    }
}

extension RawReceiver.Act {
    static func status(_ line: String, _ headers: String = "", body: String = "") -> RawReceiver.Act {
        .say("HTTP/1.1 \(line)\r\n\(headers)Content-Length: \(body.utf8.count)\r\n\r\n\(body)")
    }
}

extension String {
    fileprivate func range(of part: String) -> Range<String.Index>? { self.ranges(of: part).first }
}
