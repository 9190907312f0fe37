internal import CCurl
internal import Glibc
internal import Loop

extension Transfer {
    /// Tells libcurl what to do.
    /// - Throws: `OutboundError` `.invalidRequest`, which names what is wrong and shows nothing of it.
    func configure(_ request: OutboundRequest, _ networks: OutboundNetworks) throws(OutboundError) {
        guard request.url.hasPrefix("http://") || request.url.hasPrefix("https://") else {
            throw OutboundError(.invalidRequest, "a URL begins with http:// or https://")
        }
        let context = Unmanaged.passUnretained(self).toOpaque()
        slipway_curl_text(handle, CURLOPT_URL, request.url)
        slipway_curl_text(handle, CURLOPT_PROTOCOLS_STR, "http,https")
        slipway_curl_text(handle, CURLOPT_REDIR_PROTOCOLS_STR, "http,https")
        slipway_curl_long(handle, CURLOPT_NOSIGNAL, 1)
        slipway_curl_long(handle, CURLOPT_HTTP_VERSION, SLIPWAY_CURL_HTTP_ANY)
        followsRedirects = request.redirectsMax > 0
        slipway_curl_long(handle, CURLOPT_FOLLOWLOCATION, request.redirectsMax > 0 ? 1 : 0)
        slipway_curl_long(handle, CURLOPT_MAXREDIRS, request.redirectsMax)
        slipway_curl_long(handle, CURLOPT_CONNECTTIMEOUT_MS, Self.milliseconds(request.connectTimeout))
        if let timeout = request.timeout {
            slipway_curl_long(handle, CURLOPT_TIMEOUT_MS, Self.milliseconds(timeout))
        }
        slipway_curl_long(handle, CURLOPT_LOW_SPEED_LIMIT, 1)
        slipway_curl_long(handle, CURLOPT_LOW_SPEED_TIME, max(1, Self.milliseconds(request.stallTimeout) / 1000))
        if let socket = request.unixSocket { slipway_curl_text(handle, CURLOPT_UNIX_SOCKET_PATH, socket) }
        slipway_curl_pointer(handle, CURLOPT_ERRORBUFFER, errorText)
        slipway_curl_pointer(handle, CURLOPT_PRIVATE, context)
        restrict(to: networks, context)
        trust(request.trust)
        try headers(request)
        body(request)
        receive(context)
    }

    private func restrict(to networks: OutboundNetworks, _ context: UnsafeMutableRawPointer) {
        guard !networks.isUnlimited else { return }
        self.networks = networks
        permission.pointee = slipway_curl_guard(
            permits: { context, address, length in
                guard let transfer = Transfer.of(context), let address else { return 0 }
                return transfer.permits(UnsafeRawBufferPointer(start: address, count: Int(length))) ? 1 : 0
            }, context: context)
        slipway_curl_guarded(handle, permission)
        // What a proxy connects to, nobody here sees.
        if !networks.allowsProxy { slipway_curl_text(handle, CURLOPT_PROXY, "") }
    }

    private func permits(_ address: UnsafeRawBufferPointer) -> Bool {
        var bytes: [UInt8] = []
        if address.count >= MemoryLayout<sockaddr_in>.size {
            switch Int32(address.loadUnaligned(as: sockaddr.self).sa_family) {
            case AF_INET:
                bytes = withUnsafeBytes(of: address.loadUnaligned(as: sockaddr_in.self).sin_addr) { Array($0) }
            case AF_INET6 where address.count >= MemoryLayout<sockaddr_in6>.size:
                bytes = withUnsafeBytes(of: address.loadUnaligned(as: sockaddr_in6.self).sin6_addr) { Array($0) }
            default: break
            }
        }
        if networks.permits(bytes) { return true }
        refusedAddress = OutboundNetwork(address: bytes).map { "\($0)" } ?? "what is no IP address"
        return false
    }

    private static func milliseconds(_ duration: Duration) -> Int {
        Int(clamping: max(1, duration.wholeNanoseconds / 1_000_000))
    }

    private func trust(_ trust: OutboundTrust) {
        if let file = trust.authorities { slipway_curl_text(handle, CURLOPT_CAINFO, file) }
        if let file = trust.certificate { slipway_curl_text(handle, CURLOPT_SSLCERT, file) }
        if let file = trust.key { slipway_curl_text(handle, CURLOPT_SSLKEY, file) }
        slipway_curl_long(handle, CURLOPT_SSL_VERIFYPEER, trust.verifies ? 1 : 0)
        slipway_curl_long(handle, CURLOPT_SSL_VERIFYHOST, trust.verifies ? 2 : 0)
    }

    private func headers(_ request: OutboundRequest) throws(OutboundError) {
        // libcurl asks before it sends a body, and waits a second for those who never answer.
        headerList = curl_slist_append(nil, "Expect:")
        for (name, value) in request.headers {
            let line = value.isEmpty ? "\(name);" : "\(name): \(value)"
            guard line.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7F }), !name.isEmpty, !name.contains(":") else {
                throw OutboundError(.invalidRequest, "a header field with a line break or without a name")
            }
            headerList = curl_slist_append(headerList, line)
        }
        slipway_curl_pointer(handle, CURLOPT_HTTPHEADER, headerList)
    }

    private func body(_ request: OutboundRequest) {
        switch request.body {
        case .none where request.method == "HEAD":
            slipway_curl_long(handle, CURLOPT_NOBODY, 1)
        case .none where request.method == "GET":
            slipway_curl_long(handle, CURLOPT_HTTPGET, 1)
        case .none:
            send(request.method, [], size: 0, ended: true)
        case .bytes(let bytes):
            send(request.method, bytes[...], size: Int64(bytes.count), ended: true)
        case .stream(let size, _):
            send(request.method, [], size: size ?? -1, ended: false)
        }
    }

    private func send(_ method: String, _ bytes: ArraySlice<UInt8>, size: Int64, ended: Bool) {
        outgoing = bytes
        outgoingEnded = ended
        slipway_curl_long(handle, CURLOPT_UPLOAD, 1)
        slipway_curl_text(handle, CURLOPT_CUSTOMREQUEST, method)
        slipway_curl_offset(handle, CURLOPT_INFILESIZE_LARGE, curl_off_t(size))
        slipway_curl_pointer(handle, CURLOPT_READDATA, Unmanaged.passUnretained(self).toOpaque())
        slipway_curl_callback(handle, CURLOPT_READFUNCTION) { buffer, size, count, context in
            guard let transfer = Transfer.of(context), let buffer else { return SLIPWAY_CURL_READ_ABORT }
            return transfer.give(UnsafeMutableRawBufferPointer(start: buffer, count: size * count))
        }
    }

    /// Fills libcurl's buffer with what there is to send.
    private func give(_ buffer: UnsafeMutableRawBufferPointer) -> Int {
        if outgoing.isEmpty {
            if outgoingEnded { return 0 }
            isSendPaused = true
            return SLIPWAY_CURL_READ_PAUSE
        }
        let part = outgoing.prefix(buffer.count)
        buffer.copyBytes(from: part)
        outgoing = outgoing.dropFirst(part.count)
        if outgoing.isEmpty, let waiting = sender {
            sender = nil
            waiting.resume(returning: true)
        }
        return part.count
    }

    private func receive(_ context: UnsafeMutableRawPointer) {
        slipway_curl_pointer(handle, CURLOPT_HEADERDATA, context)
        slipway_curl_callback(handle, CURLOPT_HEADERFUNCTION) { bytes, size, count, context in
            guard let transfer = Transfer.of(context), let bytes else { return 0 }
            let line = String(decoding: UnsafeRawBufferPointer(start: bytes, count: size * count), as: UTF8.self)
            transfer.headerLine(line.prefix { $0 != "\r\n" && $0 != "\n" && $0 != "\r" })
            return size * count
        }
        slipway_curl_pointer(handle, CURLOPT_WRITEDATA, context)
        slipway_curl_callback(handle, CURLOPT_WRITEFUNCTION) { bytes, size, count, context in
            guard let transfer = Transfer.of(context), let bytes else { return 0 }
            if transfer.heldBytes >= Transfer.heldBytesMax {
                transfer.isPaused = true
                return SLIPWAY_CURL_WRITE_PAUSE
            }
            let piece = [UInt8](UnsafeRawBufferPointer(start: bytes, count: size * count))
            transfer.pieces.append(piece[...])
            transfer.heldBytes += piece.count
            transfer.arrived?()
            return size * count
        }
    }
}

extension OutboundError {
    init(_ code: CURLcode, _ text: UnsafePointer<CChar>) {
        let written = String(cString: text)
        let message = written.isEmpty ? String(cString: curl_easy_strerror(code)) : written
        switch code {
        case CURLE_COULDNT_RESOLVE_HOST, CURLE_COULDNT_RESOLVE_PROXY: self.init(.unknownHost, message)
        case CURLE_COULDNT_CONNECT: self.init(.unreachable, message)
        case CURLE_OPERATION_TIMEDOUT: self.init(.timedOut, message)
        case CURLE_PEER_FAILED_VERIFICATION, CURLE_SSL_CONNECT_ERROR, CURLE_SSL_CERTPROBLEM, CURLE_SSL_CACERT_BADFILE,
            CURLE_SSL_ISSUER_ERROR:
            self.init(.untrusted, message)
        case CURLE_URL_MALFORMAT, CURLE_UNSUPPORTED_PROTOCOL: self.init(.invalidRequest, message)
        case CURLE_TOO_MANY_REDIRECTS: self.init(.broken, "too many redirects")
        case CURLE_OUT_OF_MEMORY: self.init(.resources, message)
        default: self.init(.broken, message)
        }
    }
}
