internal import CCurl
internal import Glibc
public import Loop

/// Requests to the servers of others: registries, Docker's engine, Kubernetes, webhooks, object stores. libcurl carries
/// them out on one event loop, because proxies, redirects and the corners of TLS are its life's work.
///
/// Usable from any executor. Connections are kept and shared between requests.
public final class OutboundClient: @unchecked Sendable {
    public let loop: EventLoop
    private let connectionsMax: Int
    private let connectionsPerHostMax: Int
    private let networks: OutboundNetworks
    // All below on the loop.
    private var multi: UnsafeMutableRawPointer?
    private var poll: Int32 = -1
    private var channel: PollChannel?
    private var timer: LoopTimer?
    private var transfers: [UnsafeMutableRawPointer: Transfer] = [:]
    private var isStopped = false

    /// - Parameter networks: what may be connected to. A client's own, because its connections are shared between requests.
    public init(
        loop: EventLoop, connectionsMax: Int = 256, connectionsPerHostMax: Int = 16, networks: OutboundNetworks = .all
    ) {
        self.loop = loop
        self.networks = networks
        self.connectionsMax = connectionsMax
        self.connectionsPerHostMax = connectionsPerHostMax
        _ = Self.initialised
    }

    private static let initialised: Bool = curl_global_init(Int(CURL_GLOBAL_DEFAULT)) == CURLE_OK

    deinit {
        // Whoever waits for a transfer holds the client, so none is left; its idle connections belong to the loop.
        guard let multi else { return }
        nonisolated(unsafe) let (left, channel) = (multi, channel)
        let (poll, loop) = (poll, loop)
        loop.execute {
            slipway_curl_multi_callbacks(left, nil, nil, nil)
            curl_multi_cleanup(left)
            if let channel { loop.remove(channel) }
            close(poll)
        }
    }

    /// Ends every request under way; those to come fail.
    public func stop() {
        loop.execute { [self] in
            isStopped = true
            for transfer in transfers.values {
                end(transfer, .failure(OutboundError(.cancelled, "the client was stopped")))
            }
            timer?.cancel()
            if let channel { loop.remove(channel) }
            channel = nil
        }
    }

    /// Sends a request; returns with the head of the answer, whatever its status.
    /// - Throws: `OutboundError`; a cancelled task gets `.cancelled`.
    public func send(_ request: OutboundRequest) async throws -> OutboundResponse {
        guard let transfer = Transfer() else { throw OutboundError(.resources, "no memory for a request") }
        return try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                loop.execute { [self] in
                    transfer.head = continuation
                    begin(transfer, request)
                }
            }
        } onCancel: {
            loop.execute { [self] in
                guard !transfer.isHeadDelivered else { return }
                end(transfer, .failure(OutboundError(.cancelled, "the request was cancelled")))
            }
        }
    }

    // MARK: On the loop

    private func begin(_ transfer: Transfer, _ request: OutboundRequest) {
        // Cancelled before it began.
        if transfer.outcome != nil { return deliver(transfer) }
        do {
            guard !isStopped else { throw OutboundError(.cancelled, "the client was stopped") }
            let multi = try prepared()
            try transfer.configure(request, networks)
            transfer.arrived = { [weak self, weak transfer] in
                guard let self, let transfer, transfer.head != nil || transfer.reader != nil else { return }
                self.deliver(transfer)
            }
            transfers[transfer.handle] = transfer
            transfer.isAttached = true
            guard curl_multi_add_handle(multi, transfer.handle) == CURLM_OK else {
                throw OutboundError(.resources, "the request could not be begun")
            }
            feed(transfer, request.body)
        } catch {
            end(transfer, .failure(error))
        }
    }

    private func prepared() throws(OutboundError) -> UnsafeMutableRawPointer {
        if let multi { return multi }
        guard let multi = curl_multi_init() else { throw OutboundError(.resources, "no memory for requests") }
        self.multi = multi
        slipway_curl_multi_limits(multi, connectionsMax, connectionsPerHostMax)
        // Level-triggered and inside the loop's own: libcurl does not read its sockets dry.
        poll = epoll_create1(Int32(SLIPWAY_EPOLL_CLOEXEC))
        let channel = PollChannel(descriptor: poll, loop: loop, ownsDescriptor: false)
        channel.client = self
        do { try loop.add(channel) } catch { throw OutboundError(.resources, "\(error)") }
        self.channel = channel
        slipway_curl_multi_callbacks(
            multi,
            { _, socket, what, context, _ in
                OutboundClient.of(context).map { slipway_curl_watch($0.poll, socket, what) } ?? 0
            },
            { _, milliseconds, context in
                OutboundClient.of(context)?.schedule(milliseconds)
                return 0
            }, Unmanaged.passUnretained(self).toOpaque())
        return multi
    }

    private static func of(_ context: UnsafeMutableRawPointer?) -> OutboundClient? {
        context.map { Unmanaged<OutboundClient>.fromOpaque($0).takeUnretainedValue() }
    }

    private func schedule(_ milliseconds: Int) {
        timer?.cancel()
        timer = nil
        guard milliseconds >= 0 else { return }
        // Never from inside libcurl's own callback.
        timer = loop.schedule(after: .milliseconds(milliseconds)) { [weak self] in
            guard let self, let multi = self.multi else { return }
            var running: Int32 = 0
            curl_multi_socket_action(multi, CURL_SOCKET_TIMEOUT, 0, &running)
            self.collectEnded()
        }
    }

    fileprivate func ready() {
        guard let multi else { return }
        var events: Int32 = 0
        // A budget, so that one fast peer does not keep the loop from everybody else.
        for _ in 0..<64 {
            let socket = slipway_curl_next(poll, &events)
            guard socket >= 0 else { return collectEnded() }
            var running: Int32 = 0
            curl_multi_socket_action(multi, socket, events, &running)
        }
        collectEnded()
        if let channel, !channel.isClosed { loop.readAgain(channel) }
    }

    private func collectEnded() {
        guard let multi else { return }
        var code = CURLE_OK
        while let easy = slipway_curl_ended(multi, &code) {
            guard let transfer = transfers[easy] else { continue }
            if let refused = transfer.refusedAddress, code == CURLE_COULDNT_CONNECT {
                end(transfer, .failure(OutboundError(.refused, "\(refused) may not be connected to from here")))
                continue
            }
            end(transfer, code == CURLE_OK ? .success(()) : .failure(OutboundError(code, transfer.errorText)))
        }
    }

    /// Ends a transfer once, whoever asks for it first.
    func end(_ transfer: Transfer, _ outcome: Result<Void, any Error>) {
        guard transfer.outcome == nil else { return }
        transfer.outcome = outcome.mapError { $0 as? OutboundError ?? OutboundError(.broken, "\($0)") }
        if transfer.isAttached, let multi { curl_multi_remove_handle(multi, transfer.handle) }
        transfers[transfer.handle] = nil
        transfer.feeder?.cancel()
        transfer.sender?.resume(returning: false)
        transfer.sender = nil
        deliver(transfer)
    }

    /// Gives those who wait what there is.
    func deliver(_ transfer: Transfer) {
        if let head = transfer.head {
            if case .failure(let error) = transfer.outcome {
                transfer.head = nil
                return head.resume(throwing: error)
            }
            guard transfer.outcome != nil || transfer.isHeadWhole else { return }
            transfer.head = nil
            transfer.isHeadDelivered = true
            let lease = TransferLease(client: self, transfer: transfer)
            head.resume(
                returning: OutboundResponse(
                    status: transfer.status, headers: transfer.headers, body: OutboundResponseBody(lease: lease)))
        }
        guard let reader = transfer.reader else { return }
        if !transfer.pieces.isEmpty {
            transfer.reader = nil
            let piece = transfer.pieces.removeFirst()
            transfer.heldBytes -= piece.count
            reader.resume(returning: piece)
            resumeReceiving(transfer)
        } else if let outcome = transfer.outcome {
            transfer.reader = nil
            reader.resume(with: outcome.map { nil }.mapError { $0 })
        }
    }

    private func resumeReceiving(_ transfer: Transfer) {
        guard transfer.isPaused, transfer.outcome == nil, transfer.heldBytes < Transfer.heldBytesMax / 2 else { return }
        transfer.isPaused = false
        curl_easy_pause(transfer.handle, transfer.isSendPaused ? CURLPAUSE_SEND : CURLPAUSE_CONT)
    }

    func nextPiece(of transfer: Transfer) async throws -> ArraySlice<UInt8>? {
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                loop.execute { [self] in
                    transfer.reader = continuation
                    deliver(transfer)
                }
            }
        } onCancel: {
            loop.execute { [self] in
                end(transfer, .failure(OutboundError(.cancelled, "the request was cancelled")))
            }
        }
    }

    // MARK: Bodies that go out

    private func feed(_ transfer: Transfer, _ body: OutboundBody) {
        guard case .stream(_, let next) = body else { return }
        transfer.feeder = Task { [self] in
            do {
                while let piece = try await next() {
                    if piece.isEmpty { continue }
                    guard await offer(piece, to: transfer) else { return }
                }
                loop.execute { [self] in
                    transfer.outgoingEnded = true
                    resumeSending(transfer)
                }
            } catch {
                loop.execute { [self] in end(transfer, .failure(error)) }
            }
        }
    }

    /// Returns when the piece was taken; false when the transfer is over.
    private func offer(_ piece: ArraySlice<UInt8>, to transfer: Transfer) async -> Bool {
        await withCheckedContinuation { continuation in
            loop.execute { [self] in
                guard transfer.outcome == nil else { return continuation.resume(returning: false) }
                transfer.outgoing = piece
                transfer.sender = continuation
                resumeSending(transfer)
            }
        }
    }

    private func resumeSending(_ transfer: Transfer) {
        guard transfer.isSendPaused, transfer.outcome == nil else { return }
        transfer.isSendPaused = false
        curl_easy_pause(transfer.handle, transfer.isPaused ? CURLPAUSE_RECV : CURLPAUSE_CONT)
    }
}

/// libcurl's sockets as one descriptor of the loop.
private final class PollChannel: Channel {
    weak var client: OutboundClient?
    override func ready(_ events: ChannelEvents) { client?.ready() }
}
