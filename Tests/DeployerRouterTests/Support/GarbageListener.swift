import CLinux
import Glibc
import HTTP
import Loop

/// Accepts, says what is no protocol, and closes.
final class GarbageListener: Sendable {
    let address: String
    private let descriptor: Int32
    private let thread: pthread_t

    init() throws {
        descriptor = slipway_stream_socket(AF_INET)
        var own = sockaddr_in()
        own.sin_family = sa_family_t(AF_INET)
        own.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let descriptor = self.descriptor
        withUnsafeMutablePointer(to: &own) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer in
                _ = bind(descriptor, pointer, size)
                _ = listen(descriptor, 16)
                _ = getsockname(descriptor, pointer, &size)
            }
        }
        _ = fcntl(descriptor, F_SETFL, 0)
        address = "127.0.0.1:\(UInt16(bigEndian: own.sin_port))"
        thread = try startThread(named: "garbage") {
            while true {
                let client = accept(descriptor, nil, nil)
                guard client >= 0 else { return }
                var buffer = [UInt8](repeating: 0, count: 1024)
                _ = read(client, &buffer, buffer.count)
                let garbage = [UInt8](repeating: 0xfe, count: 300)
                _ = write(client, garbage, garbage.count)
                close(client)
            }
        }
    }

    func stop() {
        shutdown(descriptor, Int32(SHUT_RDWR))
        pthread_join(thread, nil)
        close(descriptor)
    }
}
