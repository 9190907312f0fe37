import CNghttp2
import Loop

/// HTTP/2 on a connection, as server or client: nghttp2 keeps the protocol, this moves bytes between it, the streams and
/// the connection's output. Confined to the connection's loop.
final class HTTP2Driver: ConnectionDriver, StreamDriver {
    enum Role {
        case server(any HTTPServerHandler)
        case client
    }
    enum Draining: Equatable {
        /// Goes to `noticed`, or on a client to `refusing`.
        case no
        /// The peer knows that the end is near; its streams under way still count. Goes to `refusing`.
        case noticed
        /// No new streams; the connection ends with the last one.
        case refusing
    }

    let role: Role
    let limits: HTTPLimits
    let statistics: HTTPStatistics
    /// Held until the connection closes: streams may outlive it and must find that out safely.
    private(set) var connection: Connection?
    let loop: EventLoop
    let peer: PeerIdentity
    private(set) var session: OpaquePointer?
    var streams = StreamTable()
    /// The stream that was asked for last: frames come in runs. Kept alive by `streams`, and cleared with it.
    var latest: Unmanaged<HTTPStream>?
    var draining = Draining.no
    /// Client: the peer said GOAWAY, or ran out of identifiers.
    var isGoingAway = false
    var flood: FloodGuard
    var keepalive: HTTP2Keepalive
    var keepaliveTimer: LoopTimer?
    var progressTimer: LoopTimer?
    /// Server: runs until the peer has shown that it speaks HTTP/2.
    private var prefaceTimer: LoopTimer?
    /// Body bytes with receivers, and how many of them the peer was not given back for the connection.
    var unreadBytes = 0
    var withheldBytes = 0
    /// Client: told when a stream ended or the peer's limits changed, so that waiting calls can start.
    var onCapacity: (() -> Void)?

    init(connection: Connection, role: Role, limits: HTTPLimits, statistics: HTTPStatistics) {
        self.connection = connection
        self.role = role
        self.limits = limits
        self.statistics = statistics
        loop = connection.loop
        peer = connection.peer
        flood = FloodGuard(now: connection.loop.turnStart)
        keepalive = HTTP2Keepalive(limits: limits, now: connection.loop.turnStart)
    }

    deinit { if let session { nghttp2_session_del(session) } }

    /// Lends the driver that nghttp2 carries as user data, without the cost of keeping it: the connection does.
    @inline(__always)
    static func with<Result>(_ pointer: UnsafeMutableRawPointer?, _ body: (HTTP2Driver) -> Result) -> Result {
        guard let pointer else { preconditionFailure("nghttp2 lost its user data") }
        return Unmanaged<HTTP2Driver>.fromOpaque(pointer)._withUnsafeGuaranteedRef(body)
    }

    // MARK: ConnectionDriver

    func started() {
        let shared = HTTP2Callbacks.shared
        let me = Unmanaged.passUnretained(self).toOpaque()
        let status =
            switch role {
            case .server: nghttp2_session_server_new2(&session, shared.callbacks, me, shared.options)
            case .client: nghttp2_session_client_new2(&session, shared.callbacks, me, shared.options)
            }
        guard status == 0 else {
            connection?.close("no memory for an HTTP/2 session")
            return
        }
        submitSettings()
        scheduleKeepalive()
        if case .server = role { awaitPreface() }
        connection?.needsFlush()
    }

    /// The preface ends with the peer's settings. Who negotiates HTTP/2 and then says nothing holds no slot.
    private func awaitPreface() {
        let timeout = limits.headTimeout
        prefaceTimer = loop.schedule(after: timeout) { self.connection?.close("no HTTP/2 preface within \(timeout)") }
    }

    func prefaceCame() {
        prefaceTimer?.cancel()
        prefaceTimer = nil
    }

    private func submitSettings() {
        var settings = [
            setting(NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, limits.streamWindowBytes),
            setting(NGHTTP2_SETTINGS_MAX_FRAME_SIZE, limits.frameBytes),
            setting(NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, limits.headerBytes),
        ]
        switch role {
        case .server: settings.append(setting(NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, limits.concurrentStreams))
        case .client: settings.append(setting(NGHTTP2_SETTINGS_ENABLE_PUSH, 0))
        }
        nghttp2_submit_settings(session, UInt8(NGHTTP2_FLAG_NONE.rawValue), settings, settings.count)
        nghttp2_session_set_local_window_size(
            session, UInt8(NGHTTP2_FLAG_NONE.rawValue), 0, Int32(clamping: limits.connectionWindowBytes))
    }

    private func setting(_ identifier: nghttp2_settings_id, _ value: Int) -> nghttp2_settings_entry {
        nghttp2_settings_entry(settings_id: Int32(identifier.rawValue), value: UInt32(clamping: value))
    }

    func received(_ bytes: UnsafeRawBufferPointer) {
        keepalive.received(now: loop.turnStart)
        let count = nghttp2_session_mem_recv(
            session, bytes.bindMemory(to: UInt8.self).baseAddress, bytes.count)
        // The session may have answers for the peer even where the bytes were bad: GOAWAY says why.
        if count < 0 { fail(Int32(count)) }
        if isQueueTooLong { connection?.close("the peer makes work and reads no answers") }
        connection?.needsFlush()
    }

    func receivedEnd() -> Bool { false }

    var wantsInput: Bool { true }

    var isFinished: Bool {
        nghttp2_session_want_read(session) == 0 && nghttp2_session_want_write(session) == 0
    }

    func fillOutput() {
        guard let connection else { return }
        while connection.output.isComfortable {
            var bytes: UnsafePointer<UInt8>?
            let count = nghttp2_session_mem_send(session, &bytes)
            if count < 0 {
                connection.close("HTTP/2: \(String(cString: nghttp2_strerror(Int32(count))))")
                return
            }
            guard count > 0, let bytes else { return }
            connection.output.append(bytes, count)
        }
    }

    func connectionClosed(_ reason: String) {
        keepaliveTimer?.cancel()
        keepaliveTimer = nil
        progressTimer?.cancel()
        progressTimer = nil
        prefaceCame()
        connection = nil
        let left = streams.removeAll()
        latest = nil
        for stream in left {
            statistics.streamClosed()
            stream.close(isUnsent(stream) ? .refused : .connectionLost(reason))
        }
        onCapacity?()
        onCapacity = nil
    }

    /// Ends the session with a GOAWAY that names the reason; the connection closes when it is sent.
    func terminate(_ code: StreamResetCode, _ reason: String) {
        nghttp2_session_terminate_session(session, code.rawValue)
        connection?.needsFlush()
    }

    private func fail(_ status: Int32) {
        if status == NGHTTP2_ERR_BAD_CLIENT_MAGIC.rawValue || status == NGHTTP2_ERR_NOMEM.rawValue {
            connection?.close("HTTP/2: \(String(cString: nghttp2_strerror(status)))")
        } else {
            terminate(.protocolError, String(cString: nghttp2_strerror(status)))
        }
    }
}
