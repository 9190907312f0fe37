import CLinux
import Glibc
import Loop

enum TransportResult {
    case bytes(Int)
    case wouldBlock
    case ended
    case failed
}

/// What speaks a protocol over a connection. Confined to the connection's loop.
protocol ConnectionDriver: AnyObject {
    /// The connection is ready for bytes. Called once.
    func started()
    /// Bytes came in; valid during the call only.
    func received(_ bytes: UnsafeRawBufferPointer)
    /// The peer sends no more. True keeps the connection for what is still to be sent.
    func receivedEnd() -> Bool
    /// Appends what there is to send to `connection.output`, up to its comfortable size.
    func fillOutput()
    /// True when nothing is left to be said: the connection closes once everything is written.
    var isFinished: Bool { get }
    /// False stops reading until `Connection.resumeReading`.
    var wantsInput: Bool { get }
    /// Whether bytes that a peer sent before it was gone for good still matter. A server can't answer them any more.
    var readsAfterHangUp: Bool { get }
    /// No new work: finish what is under way, then close.
    func drain()
    /// The peer takes nothing for now, and bytes are left in the output.
    func outputBlocked()
    /// The connection is gone. Called once; the driver must let go of it.
    func connectionClosed(_ reason: String)
}

extension ConnectionDriver {
    func outputBlocked() {}
    var readsAfterHangUp: Bool { true }
}

/// A socket with its TLS and output buffer, driven by a protocol. Confined to its loop.
final class Connection: Channel {
    enum State: Equatable {
        /// Goes to `handshaking` or `open`.
        case connecting
        /// Goes to `open`.
        case handshaking
        case open
    }

    var driver: (any ConnectionDriver)?
    var output = OutputBuffer()
    private(set) var peer: PeerIdentity
    private(set) var state: State
    private(set) var lastActivity: LoopInstant
    /// Since when the peer has not taken a byte of what is there for it; nil where nothing waits.
    private(set) var outputBlockedSince: LoopInstant?
    private let tls: TLSSession?
    /// Chooses the driver once the transport stands: given the ALPN protocol.
    private let makeDriver: (Connection, String?) -> (any ConnectionDriver)?
    private var setupTimer: LoopTimer?
    private var isReadingPaused = false
    /// Why it was closed, for people; nil while it is not.
    private(set) var closeReason: String?
    private(set) var wasAborted = false
    private var isInputEnded = false
    /// The kernel announced the end of what comes: its edge is gone, so everything must be read before waiting again.
    private var isEndAnnounced = false
    private var isHungUp = false
    /// Told once the transport stands and the driver has begun.
    var onOpen: (() -> Void)?
    /// Told once the connection is closed.
    var onClose: ((Connection, String) -> Void)?

    init(
        descriptor: Int32, loop: EventLoop, peer: PeerIdentity, tls: TLSSession?, isConnecting: Bool,
        makeDriver: @escaping (Connection, String?) -> (any ConnectionDriver)?
    ) {
        self.peer = peer
        self.tls = tls
        self.makeDriver = makeDriver
        state = isConnecting ? .connecting : (tls == nil ? .open : .handshaking)
        lastActivity = loop.turnStart
        super.init(descriptor: descriptor, loop: loop)
        tls?.attach(descriptor)
    }

    /// Begins: watches the socket; connecting and handshaking must end within `timeout`. Owns the descriptor from here.
    func start(timeout: Duration) {
        do { try loop.add(self) } catch { return close("\(error)") }
        if state == .open {
            open(protocol: nil)
        } else {
            setupTimer = loop.schedule(after: timeout) { self.close("no connection within \(timeout)") }
        }
    }

    override func ready(_ events: ChannelEvents) {
        if state == .connecting {
            guard !events.isDisjoint(with: [.writable, .ended]) else { return }
            var number: Int32 = 0
            var size = socklen_t(MemoryLayout<Int32>.size)
            getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &number, &size)
            if number != 0 { return close(String(cString: strerror(number))) }
            if tls == nil { open(protocol: nil) } else { state = .handshaking }
        }
        if state == .handshaking, !handshake() { return }
        if !events.isDisjoint(with: .hungUp) { isHungUp = true }
        if !events.isDisjoint(with: [.readable, .ended]) { read(draining: !events.isDisjoint(with: .ended)) }
        if isHungUp, !isClosed { hungUp() }
        if !isClosed, events.contains(.writable) { loop.markDirty(self) }
    }

    /// Nobody is there any more. Where reading goes on it finds that out by itself, behind the last bytes.
    private func hungUp() {
        guard isInputEnded || isReadingPaused && driver?.readsAfterHangUp == false else { return }
        close("the peer is gone")
    }

    private func handshake() -> Bool {
        guard let tls else { return false }
        switch tls.handshake() {
        case .pending: return false
        case .failed(let error):
            close(error.message)
            return false
        case .done:
            peer = PeerIdentity(
                address: peer.address, isEncrypted: true, certificate: tls.peerCertificate,
                contextName: tls.contextName)
            open(protocol: tls.chosenProtocol)
            // What came along with the handshake's last bytes makes no edge of its own.
            if !isClosed { read(draining: false) }
            return !isClosed
        }
    }

    private func open(protocol name: String?) {
        state = .open
        setupTimer?.cancel()
        setupTimer = nil
        guard let driver = makeDriver(self, name) else { return close("no protocol in common") }
        self.driver = driver
        driver.started()
        guard !isClosed else { return }
        loop.markDirty(self)
        let told = onOpen
        onOpen = nil
        told?()
    }

    private func read(draining: Bool) {
        guard !isInputEnded else { return }
        let buffer = loop.readBuffer
        if draining { isEndAnnounced = true }
        let mustDrain = isEndAnnounced || tls != nil
        var budget = 4
        while !isClosed {
            guard let driver else { return }
            guard driver.wantsInput else {
                isReadingPaused = true
                return
            }
            switch receive(buffer) {
            case .bytes(let count):
                lastActivity = loop.turnStart
                driver.received(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
                // A short read of a plain stream socket has emptied it: the next bytes make a new edge.
                if count < buffer.count && !mustDrain { return }
                budget -= 1
                if budget == 0 {
                    if !isClosed { loop.readAgain(self) }
                    return
                }
            case .wouldBlock: return
            case .ended:
                isInputEnded = true
                if !driver.receivedEnd() { close("the peer closed the connection") } else { loop.markDirty(self) }
                return
            case .failed: return close("the connection broke")
            }
        }
    }

    /// Goes on reading after `wantsInput` was false.
    func resumeReading() {
        guard isReadingPaused, !isClosed else { return }
        isReadingPaused = false
        loop.readAgain(self)
    }

    private func receive(_ buffer: UnsafeMutableRawBufferPointer) -> TransportResult {
        if let tls { return tls.read(buffer) }
        let count = recv(descriptor, buffer.baseAddress, buffer.count, 0)
        if count > 0 { return .bytes(count) }
        if count == 0 { return .ended }
        return errno == EAGAIN || errno == EINTR ? .wouldBlock : .failed
    }

    /// Asks for a `flush` at the end of the turn.
    @inline(__always) func needsFlush() { loop.markDirty(self) }

    override func flush() {
        guard state == .open else { return }
        var isMoving = false
        while !isClosed {
            driver?.fillOutput()
            if output.isEmpty { break }
            switch output.withPending({ send($0) }) {
            case .bytes(let count):
                output.remove(count)
                isMoving = true
            case .wouldBlock:
                if isMoving || outputBlockedSince == nil { outputBlockedSince = loop.turnStart }
                driver?.outputBlocked()
                return
            case .ended, .failed: return close("the connection broke while writing")
            }
        }
        outputBlockedSince = nil
        if !isClosed, let driver, driver.isFinished { close("finished") }
    }

    private func send(_ bytes: UnsafeRawBufferPointer) -> TransportResult {
        if let tls { return tls.write(bytes) }
        let count = slipway_send(descriptor, bytes.baseAddress, bytes.count)
        if count >= 0 { return .bytes(count) }
        return errno == EAGAIN || errno == EINTR ? .wouldBlock : .failed
    }

    override func loopStopped() { close("the loop stopped") }

    /// Tells the peer that no more comes; what it sends can still be read.
    func shutdownOutput() {
        tls?.sayGoodbye()
        shutdown(descriptor, Int32(SHUT_WR))
    }

    /// Closes so that the peer sees a failure and no orderly end.
    func abort(_ reason: String) {
        wasAborted = true
        var option = linger(l_onoff: 1, l_linger: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &option, socklen_t(MemoryLayout<linger>.size))
        close(reason)
    }

    /// Closes at once. Does nothing the second time.
    func close(_ reason: String) {
        guard !isClosed else { return }
        closeReason = reason
        if state == .open { tls?.sayGoodbye() }
        setupTimer?.cancel()
        setupTimer = nil
        loop.remove(self)
        let driver = self.driver
        self.driver = nil
        output.release()
        driver?.connectionClosed(reason)
        onOpen = nil
        let told = onClose
        onClose = nil
        told?(self, reason)
    }
}
