import CLinux
import Glibc
import HTTP

/// Asks a replica things, one connection each.
struct ReplicaVisitor: Sendable {
    struct Failure: Error, CustomStringConvertible {
        let description: String
    }

    let address: SocketAddress

    /// The body of the answer. Empty where the replica ended instead of answering.
    @discardableResult
    func get(_ path: String) throws -> String {
        let text = try answer(path)
        guard let head = text.range(of: "\r\n\r\n") else { return "" }
        return String(text[head.upperBound...])
    }

    /// The number of the answer; nil where none came.
    func status(_ path: String, key: String? = nil) throws -> Int? {
        let words = try answer(path, key: key).split(separator: " ", maxSplits: 2)
        return words.count > 1 ? Int(words[1]) : nil
    }

    private func answer(_ path: String, key: String? = nil) throws -> String {
        let connection = try connect()
        defer { close(connection) }
        var limit = timeval(tv_sec: 60, tv_usec: 0)
        setsockopt(connection, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        let proof = key.map { "authorization: Bearer \($0)\r\n" } ?? ""
        let request = Array("GET \(path) HTTP/1.1\r\nhost: replica\r\n\(proof)connection: close\r\n\r\n".utf8)
        guard send(connection, request, request.count, Int32(MSG_NOSIGNAL)) == request.count else {
            throw Failure(description: "\(address) hung up")
        }
        var answer: [UInt8] = []
        var piece = [UInt8](repeating: 0, count: 4096)
        while true {
            let count = recv(connection, &piece, piece.count, 0)
            if count < 0, errno == EAGAIN { throw Failure(description: "\(address) does not answer \(path)") }
            guard count > 0 else { return String(decoding: answer, as: UTF8.self) }
            answer += piece[..<count]
        }
    }

    private func connect() throws -> Int32 {
        var storage = sockaddr_storage()
        var count: socklen_t
        switch address {
        case .unix(let path): count = slipway_unix_address(path, &storage)
        case .tcp(let host, let port):
            var inside = sockaddr_in()
            inside.sin_family = sa_family_t(AF_INET)
            inside.sin_port = in_port_t(UInt16(port).bigEndian)
            guard inet_pton(AF_INET, host, &inside.sin_addr) == 1 else {
                throw Failure(description: "\(host) is no address of four numbers")
            }
            memcpy(&storage, &inside, MemoryLayout<sockaddr_in>.size)
            count = socklen_t(MemoryLayout<sockaddr_in>.size)
        }
        let connection = socket(Int32(storage.ss_family), Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        let code = withUnsafePointer(to: &storage) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { Glibc.connect(connection, $0, count) }
        }
        guard code == 0 else {
            let reason = String(cString: strerror(errno))
            close(connection)
            throw Failure(description: "\(address): \(reason)")
        }
        return connection
    }
}

extension String {
    fileprivate func range(of text: String) -> Range<String.Index>? {
        var start = startIndex
        while start < endIndex {
            if self[start...].hasPrefix(text) { return start..<index(start, offsetBy: text.count) }
            start = index(after: start)
        }
        return nil
    }
}
