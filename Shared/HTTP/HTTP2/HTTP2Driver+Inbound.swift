import CNghttp2
import Glibc

extension HTTP2Driver {
    func stream(_ identifier: Int32) -> HTTPStream? {
        if let latest {
            let stream = latest.takeUnretainedValue()
            if stream.identifier == identifier { return stream }
        }
        let found = streams[identifier]
        if let found { latest = Unmanaged.passUnretained(found) }
        return found
    }

    /// Lends a stream without the cost of keeping it, which would be paid for each header field.
    @inline(__always)
    private func withStream(_ identifier: Int32, _ body: (HTTPStream) -> Void) {
        if let latest {
            let isWanted = latest._withUnsafeGuaranteedRef { stream in
                guard stream.identifier == identifier else { return false }
                body(stream)
                return true
            }
            if isWanted { return }
        }
        if let stream = stream(identifier) { body(stream) }
    }

    func add(_ stream: HTTPStream) {
        streams.insert(stream)
        latest = Unmanaged.passUnretained(stream)
        statistics.streamOpened()
    }

    func remove(_ identifier: Int32) -> HTTPStream? {
        latest = nil
        guard let stream = streams.remove(identifier) else { return nil }
        bodyTaken(stream.unreadBytes, from: stream)
        statistics.streamClosed()
        return stream
    }

    func beginHeaders(_ frame: nghttp2_frame) -> Int32 {
        // Closed from within a callback: what else the bytes at hand say reaches nobody any more.
        guard connection != nil else { return NGHTTP2_ERR_CALLBACK_FAILURE.rawValue }
        let identifier = frame.hd.stream_id
        if frame.hd.type == UInt8(NGHTTP2_HEADERS.rawValue), frame.headers.cat == NGHTTP2_HCAT_REQUEST {
            guard case .server = role else { return 0 }
            let stream = HTTPStream(loop: loop, request: RequestHead(version: .http2), peer: peer, driver: self)
            stream.identifier = identifier
            add(stream)
        } else if let stream = stream(identifier) {
            stream.inbound = InboundHead()
        }
        return 0
    }

    func header(_ identifier: Int32, _ name: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer) {
        withStream(identifier) { header($0, name, value) }
    }

    @inline(__always)
    private func header(_ stream: HTTPStream, _ name: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer) {
        stream.inbound.size += name.count + value.count + 32
        if stream.inbound.size > limits.headerBytes {
            stream.inbound.isTooLarge = true
            return
        }
        if case .server = role, stream.receiver == nil {
            if name.first == UInt8(ascii: ":") {
                requestPseudoField(stream, name, value)
            } else {
                stream.request.fields.addLowercased(name: name, value: value)
            }
        } else if name.first == UInt8(ascii: ":") {
            stream.inbound.status = Int(String(decoding: value, as: UTF8.self)) ?? 0
        } else {
            stream.inbound.fields.addLowercased(name: name, value: value)
        }
    }

    private func requestPseudoField(
        _ stream: HTTPStream, _ name: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer
    ) {
        switch name.count > 1 ? name[1] : 0 {
        case UInt8(ascii: "p"):
            if name.count == 5 { stream.request.pathSlot = stream.request.fields.keep(value) }
        case UInt8(ascii: "m"): stream.request.method = HTTPMethod(bytes: value)
        case UInt8(ascii: "a"): stream.request.authoritySlot = stream.request.fields.keep(value)
        case UInt8(ascii: "s"): stream.request.schemeSlot = stream.request.fields.keep(value)
        default: break
        }
    }

    func data(_ identifier: Int32, _ bytes: UnsafeRawBufferPointer) {
        flood.bodyReceived(bytes.count)
        guard let stream = stream(identifier), let receiver = stream.receiver else {
            nghttp2_session_consume(session, identifier, bytes.count)
            return
        }
        bodyCame(bytes.count, on: stream)
        receiver.received(body: bytes)
    }

    func frameReceived(_ frame: nghttp2_frame) -> Int32 {
        let header = frame.hd
        let isEnd = header.flags & UInt8(NGHTTP2_FLAG_END_STREAM.rawValue) != 0
        switch UInt32(header.type) {
        case NGHTTP2_HEADERS.rawValue: headersReceived(header.stream_id, isEnd: isEnd)
        case NGHTTP2_DATA.rawValue:
            if isEnd { endReceived(header.stream_id) } else if header.length == 0 { controlReceived() }
        case NGHTTP2_PING.rawValue:
            if header.flags & UInt8(NGHTTP2_FLAG_ACK.rawValue) != 0 {
                keepalive.acknowledged()
            } else {
                controlReceived()
            }
        case NGHTTP2_SETTINGS.rawValue:
            prefaceCame()
            controlReceived()
            onCapacity?()
        case NGHTTP2_GOAWAY.rawValue:
            isGoingAway = true
            onCapacity?()
        case NGHTTP2_RST_STREAM.rawValue:
            stream(header.stream_id)?.isResetByPeer = true
            workWasted()
        default: controlReceived()
        }
        return 0
    }

    private func controlReceived() {
        if case .server = role { act(flood.control(now: loop.turnStart)) }
    }

    /// The peer gave a stream up, or did with it what makes this side give it up: a server has worked for nothing.
    func workWasted() {
        if case .server = role { act(flood.peerReset(now: loop.turnStart)) }
    }

    private func act(_ action: FloodGuard.Action) {
        if case .calm(let reason) = action { terminate(.enhanceYourCalm, reason) }
    }

    private func headersReceived(_ identifier: Int32, isEnd: Bool) {
        guard let stream = stream(identifier) else { return }
        switch role {
        case .server(let handler):
            if stream.receiver == nil {
                requestReceived(stream, handler)
            } else {
                // Trailers end the stream: nghttp2 refuses others.
                return endReceived(identifier)
            }
        case .client:
            if stream.inbound.isTooLarge { return stream.reset(.cancel) }
            let status = stream.inbound.status
            if status == 0 { return endReceived(identifier) }
            guard status >= 200 else { return }
            let head = ResponseHead(status: status, fields: stream.inbound.fields)
            stream.inbound = InboundHead()
            stream.receiver?.received(head: head)
        }
        if isEnd {
            endReceived(identifier)
        } else if stream.expectsSteadyBody {
            watchProgress()
        }
    }

    private func requestReceived(_ stream: HTTPStream, _ handler: any HTTPServerHandler) {
        if stream.inbound.isTooLarge {
            stream.receiver = RefusedRequest.shared
            let text = "the request's header fields take more than \(limits.headerBytes) bytes\n"
            stream.send(ResponseHead(status: 431, fields: ["content-type": "text/plain; charset=utf-8"]))
            stream.send(ArraySlice(text.utf8))
            stream.finish()
            return
        }
        stream.inbound = InboundHead()
        stream.dropsBody = stream.request.method == .head
        stream.receiver = handler.receiver(for: stream)
        stream.bodyProgress = loop.turnStart
    }

    private func endReceived(_ identifier: Int32) {
        guard let stream = stream(identifier), !stream.isInputEnded else { return }
        stream.isInputEnded = true
        let trailers = stream.inbound.fields
        stream.receiver?.receivedEnd(trailers: trailers.isEmpty ? nil : trailers)
    }

    func streamClosed(_ identifier: Int32, _ code: UInt32) {
        guard let stream = remove(identifier) else { return }
        let code = StreamResetCode(rawValue: code)
        if case .server = role, code != .noError || stream.isResetByPeer {
            // A reset that calls itself no error is one all the same: it must not pass as honest work.
            if !stream.isResetByPeer { workWasted() }
            stream.close(.reset(code: code, byPeer: true))
        } else if code == .noError, stream.isInputEnded {
            flood.streamFinished()
            stream.close(.finished)
        } else if code == .noError, stream.isOutputEnded {
            flood.streamFinished()
            stream.close(.reset(code: .noError, byPeer: true))
        } else if code == .refusedStream || isUnsent(stream) {
            stream.close(.refused)
        } else {
            stream.close(.reset(code: code, byPeer: true))
        }
        onCapacity?()
    }
}

extension HTTP2Driver {
    /// Client: the peer can't have seen anything of the request.
    func isUnsent(_ stream: HTTPStream) -> Bool {
        if case .client = role { return !stream.isRequestSent }
        return false
    }
}

/// Hears nothing: the answer is on its way already.
final class RefusedRequest: HTTPStreamReceiver, Sendable {
    static let shared = RefusedRequest()
    func received(body: UnsafeRawBufferPointer) {}
    func receivedEnd(trailers: HeaderFields?) {}
    func closed(_ closure: StreamClosure) {}
}
