import CLinux
import Glibc
import Loop

/// A listening socket on one loop.
final class Listener: Channel {
    private let accepted: (Int32, String) -> Void
    private let address: SocketAddress
    /// Kept to be given up when descriptors run out: without it the pending connection could not even be refused, and the
    /// edge that announced it would not come again.
    private var spare = open("/dev/null", O_RDONLY | O_CLOEXEC)

    init(descriptor: Int32, loop: EventLoop, address: SocketAddress, accepted: @escaping (Int32, String) -> Void) {
        self.accepted = accepted
        self.address = address
        super.init(descriptor: descriptor, loop: loop)
    }

    deinit { if spare >= 0 { close(spare) } }

    override func ready(_ events: ChannelEvents) {
        // Bounded, so that a flood of connections leaves the others their turn.
        for _ in 0..<64 {
            let client = slipway_accept(descriptor)
            if client >= 0 {
                accepted(client, Listener.peerText(of: client, on: address))
                if isClosed { return }
                continue
            }
            switch errno {
            case EAGAIN: return
            case EMFILE, ENFILE:
                guard spare >= 0 else { return loop.readAgain(self) }
                close(spare)
                let refused = slipway_accept(descriptor)
                if refused >= 0 { close(refused) }
                spare = open("/dev/null", O_RDONLY | O_CLOEXEC)
            default: continue
            }
        }
        loop.readAgain(self)
    }

    private static func peerText(of descriptor: Int32, on address: SocketAddress) -> String {
        if case .unix = address { return address.description }
        var raw = RawAddress(storage: sockaddr_storage(), count: socklen_t(MemoryLayout<sockaddr_storage>.size))
        let status = withUnsafeMutablePointer(to: &raw.storage) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { getpeername(descriptor, $0, &raw.count) }
        }
        return status == 0 ? raw.text : "unknown"
    }

    /// Binds and listens.
    /// - Parameter sharing: several sockets of this process listen on the same port and the kernel spreads connections.
    static func bind(_ raw: RawAddress, _ address: SocketAddress, sharing: Bool) throws(SocketError) -> Int32 {
        let descriptor = slipway_stream_socket(raw.family)
        guard descriptor >= 0 else { throw SocketError("socket", number: errno, address) }
        var one: Int32 = 1
        let size = socklen_t(MemoryLayout<Int32>.size)
        if raw.family != AF_UNIX {
            setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &one, size)
            if sharing { setsockopt(descriptor, SOL_SOCKET, SO_REUSEPORT, &one, size) }
        }
        guard raw.withPointer({ Glibc.bind(descriptor, $0, $1) }) == 0, Glibc.listen(descriptor, 4096) == 0 else {
            let number = errno
            close(descriptor)
            throw SocketError("cannot listen", number: number, address)
        }
        return descriptor
    }

    /// Where a socket really listens: port 0 became a number.
    static func localAddress(of descriptor: Int32) -> RawAddress? {
        var raw = RawAddress(storage: sockaddr_storage(), count: socklen_t(MemoryLayout<sockaddr_storage>.size))
        let status = withUnsafeMutablePointer(to: &raw.storage) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(descriptor, $0, &raw.count) }
        }
        return status == 0 ? raw : nil
    }
}
