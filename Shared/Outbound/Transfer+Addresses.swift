internal import CCurl

extension Transfer {
    /// Has every address checked right before it is connected to. What a name meant when somebody else asked, or means later,
    /// does not matter.
    /// - Throws: `OutboundError` `.forbidden` for a socket of this machine.
    func guardAddresses(_ policy: AddressPolicy, _ request: OutboundRequest) throws(OutboundError) {
        guard policy.isRestricted else { return }
        guard request.unixSocket == nil else {
            throw OutboundError(.forbidden, "a socket of this machine is not allowed here")
        }
        addresses = policy
        // A redirect may lead to another host, for which the name says nothing.
        host = request.redirectsMax == 0 ? Transfer.host(of: request.url) : nil
        // A proxy would connect for us, to whatever it likes.
        slipway_curl_text(handle, CURLOPT_PROXY, "")
        slipway_curl_text(handle, CURLOPT_NOPROXY, "*")
        addressGuard.initialize(
            to: slipway_curl_guard(
                permits: { address, length, context in
                    guard let transfer = Transfer.of(context), let address else { return 0 }
                    return transfer.permits(UnsafeRawBufferPointer(start: address, count: Int(length))) ? 1 : 0
                }, context: Unmanaged.passUnretained(self).toOpaque()))
        _ = slipway_curl_guarded(handle, addressGuard)
    }

    private func permits(_ raw: UnsafeRawBufferPointer) -> Bool {
        guard let address = IPAddress(raw) else { return false }
        guard let reason = addresses.refusal(of: address, host: host) else { return true }
        refusal = OutboundError(.forbidden, reason)
        return false
    }

    /// As libcurl reads it; nil where it could not be read.
    private static func host(of url: String) -> String? {
        guard let parsed = curl_url() else { return nil }
        defer { curl_url_cleanup(parsed) }
        var host: UnsafeMutablePointer<CChar>?
        guard curl_url_set(parsed, CURLUPART_URL, url, 0) == CURLUE_OK,
            curl_url_get(parsed, CURLUPART_HOST, &host, 0) == CURLUE_OK, let host
        else { return nil }
        defer { curl_free(host) }
        return String(cString: host)
    }
}
