import CNghttp2
import Glibc

extension HTTP2Driver {
    // MARK: StreamDriver

    func sendHead(_ head: ResponseHead, on stream: HTTPStream, end: Bool) {
        withDigits(head.status) { digits in
            head.fields.withPairs(pseudo: CollectionOfOne((":status", digits))) { pairs in
                if end {
                    nghttp2_submit_response(session, stream.identifier, pairs.baseAddress, pairs.count, nil)
                } else {
                    var provider = dataProvider(stream)
                    nghttp2_submit_response(session, stream.identifier, pairs.baseAddress, pairs.count, &provider)
                }
            }
        }
        connection?.needsFlush()
    }

    /// The largest head that the peer says it takes, once it has said so.
    private var peerHeadLimit: Int? {
        let limit = nghttp2_session_get_remote_settings(session, NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE)
        return limit < UInt32.max ? Int(limit) : nil
    }

    /// Client: opens a stream for a request.
    /// - Returns: nil where the connection takes no more; a stream that is closed already where the peer takes no head
    ///   of this size.
    func open(_ request: RequestHead, receiver: any HTTPStreamReceiver, end: Bool) -> HTTPStream? {
        guard connection != nil, !isGoingAway, draining == .no else { return nil }
        let stream = HTTPStream(loop: loop, request: request, peer: peer, driver: self)
        stream.isHeadSent = true
        stream.isOutputEnded = end
        if let limit = peerHeadLimit, request.mayExceed(limit) {
            stream.receiver = receiver
            stream.close(.headTooLarge(size: request.headSize, limit: limit))
            return stream
        }
        let identifier = request.withPseudoFields { pseudo in
            request.fields.withPairs(pseudo: pseudo) { pairs in
                if end { return nghttp2_submit_request(session, nil, pairs.baseAddress, pairs.count, nil, nil) }
                var provider = dataProvider(stream)
                return nghttp2_submit_request(session, nil, pairs.baseAddress, pairs.count, &provider, nil)
            }
        }
        guard identifier > 0 else {
            isGoingAway = true
            return nil
        }
        stream.identifier = identifier
        stream.receiver = receiver
        add(stream)
        connection?.needsFlush()
        return stream
    }

    /// How many more streams the peer takes now.
    var openCapacity: Int {
        guard connection != nil, session != nil, !isGoingAway, draining == .no else { return 0 }
        let limit = nghttp2_session_get_remote_settings(session, NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS)
        return max(0, Int(limit) - streams.count)
    }

    func outputQueued(on stream: HTTPStream) {
        if stream.isDeferred {
            stream.isDeferred = false
            nghttp2_session_resume_data(session, stream.identifier)
        }
        connection?.needsFlush()
    }

    func consumed(_ count: Int, on stream: HTTPStream) {
        nghttp2_session_consume_stream(session, stream.identifier, count)
        bodyTaken(count, from: stream)
        connection?.needsFlush()
    }

    func reset(_ stream: HTTPStream, _ code: StreamResetCode) {
        guard remove(stream.identifier) != nil else { return }
        nghttp2_submit_rst_stream(session, UInt8(NGHTTP2_FLAG_NONE.rawValue), stream.identifier, code.rawValue)
        connection?.needsFlush()
        stream.close(.reset(code: code, byPeer: false))
        onCapacity?()
    }

    // MARK: nghttp2 asks

    private func dataProvider(_ stream: HTTPStream) -> nghttp2_data_provider {
        nghttp2_data_provider(
            source: nghttp2_data_source(ptr: nil),
            read_callback: { _, identifier, buffer, capacity, flags, _, driver in
                guard let buffer, let flags else { return Int(NGHTTP2_ERR_CALLBACK_FAILURE.rawValue) }
                return HTTP2Driver.with(driver) { $0.fill(identifier, buffer, capacity, flags) }
            })
    }

    private func fill(
        _ identifier: Int32, _ buffer: UnsafeMutablePointer<UInt8>, _ capacity: Int,
        _ flags: UnsafeMutablePointer<UInt32>
    ) -> Int {
        guard let stream = stream(identifier) else { return Int(NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE.rawValue) }
        let available = stream.outbound.byteCount
        if available == 0 && !stream.isOutputEnded {
            stream.isDeferred = true
            return Int(NGHTTP2_ERR_DEFERRED.rawValue)
        }
        let count = min(available, capacity)
        if stream.isOutputEnded && count == available {
            flags.pointee |= UInt32(NGHTTP2_DATA_FLAG_EOF.rawValue)
            if let trailers = stream.trailers {
                flags.pointee |= UInt32(NGHTTP2_DATA_FLAG_NO_END_STREAM.rawValue)
                trailers.withPairs(pseudo: EmptyCollection()) {
                    nghttp2_submit_trailer(session, identifier, $0.baseAddress, $0.count)
                }
            }
        }
        // Copied straight to the output by `sendData`; short ones are cheaper through nghttp2's own buffer.
        if count > 4096 {
            flags.pointee |= UInt32(NGHTTP2_DATA_FLAG_NO_COPY.rawValue)
            return count
        }
        stream.outbound.move(to: buffer, count: count)
        taken(count, from: stream)
        return count
    }

    func sendData(_ identifier: Int32, _ header: UnsafePointer<UInt8>, _ count: Int) -> Int32 {
        guard let connection, let stream = stream(identifier) else {
            return Int32(NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE.rawValue)
        }
        // nghttp2 asks for one frame after the other without coming back to `fillOutput`: a receiver that refills its
        // queue when it is told to would otherwise pour its whole body in here. It asks again with the next flush.
        guard connection.output.isComfortable else { return Int32(NGHTTP2_ERR_WOULDBLOCK.rawValue) }
        connection.output.append(header, 9)
        stream.outbound.move(to: connection.output.reserve(count), count: count)
        taken(count, from: stream)
        return 0
    }

    private func taken(_ count: Int, from stream: HTTPStream) {
        flood.bodySent(count)
        if stream.hasSenderWaiting { stream.outputTaken() }
    }

    /// A head that nghttp2 refuses to send, because it is too large, would leave its stream open for ever.
    func frameNotSent(_ header: nghttp2_frame_hd, _ code: Int32) {
        guard header.type == UInt8(NGHTTP2_HEADERS.rawValue), let stream = stream(header.stream_id) else { return }
        switch role {
        case .server: stream.reset(.internalError)
        case .client:
            // Other failures are the connection's, and the request may go over another one.
            guard code == NGHTTP2_ERR_FRAME_SIZE_ERROR.rawValue, remove(stream.identifier) != nil else { return }
            stream.close(.headTooLarge(size: stream.request.headSize, limit: HTTP2Driver.sentHeadBytesMax))
            onCapacity?()
        }
    }

    /// The size over which nghttp2 sends no head, whatever the peer takes.
    private static let sentHeadBytesMax = 64 * 1024

    func frameSent(_ header: nghttp2_frame_hd) {
        if case .client = role {
            if header.type == UInt8(NGHTTP2_HEADERS.rawValue) { stream(header.stream_id)?.isRequestSent = true }
            return
        }
        guard header.flags & UInt8(NGHTTP2_FLAG_END_STREAM.rawValue) != 0,
            header.type == UInt8(NGHTTP2_HEADERS.rawValue) || header.type == UInt8(NGHTTP2_DATA.rawValue),
            let stream = stream(header.stream_id), !stream.isInputEnded
        else { return }
        // The answer is complete and the rest of the request does not matter any more (RFC 9113, section 8.1).
        nghttp2_submit_rst_stream(
            session, UInt8(NGHTTP2_FLAG_NONE.rawValue), header.stream_id, StreamResetCode.noError.rawValue)
    }
}

extension RequestHead {
    /// What the head counts against a peer's limit: each field with 32 bytes more.
    fileprivate var headSize: Int {
        let pseudoNames = ":method:scheme:path:authority".utf8.count
        var size = 4 * 32 + pseudoNames + method.description.utf8.count
        for slot in [schemeSlot, pathSlot, authoritySlot] { size += Int(slot.count) }
        fields.forEachBytes { size += $0.count + $1.count + 32 }
        return size
    }

    /// Asked of every request: first by what is quickly known and never too small.
    fileprivate func mayExceed(_ limit: Int) -> Bool {
        fields.storage.count + 32 * fields.count + 256 > limit && headSize > limit
    }

    fileprivate func withPseudoFields<Result>(
        _ body: ([(StaticString, UnsafeRawBufferPointer)]) -> Result
    ) -> Result {
        var method = method.description
        return method.withUTF8 { method in
            fields.withBytes(schemeSlot) { scheme in
                fields.withBytes(pathSlot) { path in
                    fields.withBytes(authoritySlot) { authority in
                        body([
                            (":method", UnsafeRawBufferPointer(method)), (":scheme", scheme), (":path", path),
                            (":authority", authority),
                        ])
                    }
                }
            }
        }
    }
}

extension HeaderFields {
    /// The fields in nghttp2's form, with pseudo fields in front. nghttp2 copies what it needs.
    @discardableResult
    func withPairs<Result>(
        pseudo: some Collection<(StaticString, UnsafeRawBufferPointer)>,
        _ body: (UnsafeBufferPointer<nghttp2_nv>) -> Result
    ) -> Result {
        withUnsafeTemporaryAllocation(of: nghttp2_nv.self, capacity: pseudo.count + count) { pairs in
            var index = 0
            for (name, value) in pseudo {
                pairs[index] = nghttp2_nv(
                    UnsafeRawBufferPointer(start: name.utf8Start, count: name.utf8CodeUnitCount), value,
                    flags: NGHTTP2_NV_FLAG_NO_COPY_NAME)
                index += 1
            }
            return withRecords { records in
                while let record = records.next() {
                    pairs[index] = nghttp2_nv(record.name, record.value, flags: NGHTTP2_NV_FLAG_NONE)
                    index += 1
                }
                return body(UnsafeBufferPointer(pairs))
            }
        }
    }
}

extension nghttp2_nv {
    fileprivate init(_ name: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer, flags: nghttp2_nv_flag) {
        self.init(
            name: UnsafeMutablePointer(mutating: name.bindMemory(to: UInt8.self).baseAddress),
            value: UnsafeMutablePointer(mutating: value.bindMemory(to: UInt8.self).baseAddress),
            namelen: name.count, valuelen: value.count, flags: UInt8(flags.rawValue))
    }
}

/// Three digits on the stack.
private func withDigits<Result>(_ status: Int, _ body: (UnsafeRawBufferPointer) -> Result) -> Result {
    let status = (100...999).contains(status) ? status : 500
    let digits = (
        UInt8(48 + status / 100), UInt8(48 + status / 10 % 10), UInt8(48 + status % 10)
    )
    return withUnsafeBytes(of: digits, body)
}
