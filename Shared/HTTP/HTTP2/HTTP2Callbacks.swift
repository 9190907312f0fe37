import CNghttp2

/// nghttp2's callbacks and options: made once for the process and never freed.
struct HTTP2Callbacks: @unchecked Sendable {
    static let shared = HTTP2Callbacks()

    let callbacks: OpaquePointer
    let options: OpaquePointer

    private init() {
        var callbacks: OpaquePointer?
        var options: OpaquePointer?
        guard nghttp2_session_callbacks_new(&callbacks) == 0, nghttp2_option_new(&options) == 0, let callbacks,
            let options
        else { preconditionFailure("out of memory") }
        self.callbacks = callbacks
        self.options = options
        HTTP2Callbacks.setInbound(callbacks)
        HTTP2Callbacks.setOutbound(callbacks)
        nghttp2_option_set_no_auto_window_update(options, 1)
        nghttp2_option_set_server_fallback_rfc7540_priorities(options, 0)
        nghttp2_option_set_no_closed_streams(options, 1)
        // FloodGuard weighs resets against honest work; the library's fixed rate would end busy clients.
        nghttp2_option_set_stream_reset_rate_limit(options, 1 << 40, 1 << 40)
        nghttp2_option_set_max_settings(options, 64)
        nghttp2_option_set_max_outbound_ack(options, 1000)
    }

    private static func setInbound(_ callbacks: OpaquePointer) {
        nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks) { _, frame, driver in
            guard let frame else { return 0 }
            return HTTP2Driver.with(driver) { $0.beginHeaders(frame.pointee) }
        }
        nghttp2_session_callbacks_set_on_header_callback(callbacks) {
            _, frame, name, nameCount, value, valueCount, _, driver in
            guard let frame else { return 0 }
            HTTP2Driver.with(driver) {
                $0.header(
                    frame.pointee.hd.stream_id, UnsafeRawBufferPointer(start: name, count: nameCount),
                    UnsafeRawBufferPointer(start: value, count: valueCount))
            }
            return 0
        }
        nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks) { _, _, identifier, bytes, count, driver in
            HTTP2Driver.with(driver) { $0.data(identifier, UnsafeRawBufferPointer(start: bytes, count: count)) }
            return 0
        }
        nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks) { _, frame, driver in
            guard let frame else { return 0 }
            return HTTP2Driver.with(driver) { $0.frameReceived(frame.pointee) }
        }
        nghttp2_session_callbacks_set_on_invalid_frame_recv_callback(callbacks) { _, _, _, driver in
            HTTP2Driver.with(driver) { $0.workWasted() }
            return 0
        }
        nghttp2_session_callbacks_set_on_stream_close_callback(callbacks) { _, identifier, code, driver in
            HTTP2Driver.with(driver) { $0.streamClosed(identifier, code) }
            return 0
        }
    }

    private static func setOutbound(_ callbacks: OpaquePointer) {
        nghttp2_session_callbacks_set_on_frame_not_send_callback(callbacks) { _, frame, code, driver in
            guard let frame else { return 0 }
            HTTP2Driver.with(driver) { $0.frameNotSent(frame.pointee.hd, code) }
            return 0
        }
        nghttp2_session_callbacks_set_on_frame_send_callback(callbacks) { _, frame, driver in
            guard let frame else { return 0 }
            HTTP2Driver.with(driver) { $0.frameSent(frame.pointee.hd) }
            return 0
        }
        nghttp2_session_callbacks_set_send_data_callback(callbacks) { _, frame, header, count, _, driver in
            guard let frame, let header else { return Int32(NGHTTP2_ERR_CALLBACK_FAILURE.rawValue) }
            return HTTP2Driver.with(driver) { $0.sendData(frame.pointee.hd.stream_id, header, count) }
        }
        // Without this a DATA frame carries 16 KiB however much the peer allows.
        nghttp2_session_callbacks_set_data_source_read_length_callback(callbacks) {
            _, _, _, stream, connection, frame, _ in
            max(1, min(Int(stream), Int(connection), Int(frame), 64 * 1024))
        }
    }
}
