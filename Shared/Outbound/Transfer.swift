internal import CCurl
internal import Loop

/// One request under way. Everything in it belongs to the client's loop.
final class Transfer: @unchecked Sendable {
    /// Bytes that wait for their reader before the peer is held up.
    static let heldBytesMax = 1 << 20

    let easy: OpaquePointer
    var headerList: UnsafeMutablePointer<curl_slist>?
    let errorText = UnsafeMutablePointer<CChar>.allocate(capacity: Int(CURL_ERROR_SIZE))

    /// What may be connected to, for libcurl to ask; and what was refused.
    let permission = UnsafeMutablePointer<slipway_curl_guard>.allocate(capacity: 1)
    var networks = OutboundNetworks.all
    var refusedAddress: String?

    // What comes.
    var headers: [(name: String, value: String)] = []
    var pieces: [ArraySlice<UInt8>] = []
    var heldBytes = 0
    var followsRedirects = false
    /// Whether the head of the last answer came: redirects are followed before anybody sees them.
    var isHeadWhole = false
    var isPaused = false
    var outcome: Result<Void, OutboundError>?

    // What goes.
    var outgoing: ArraySlice<UInt8> = []
    var outgoingEnded = true
    var isSendPaused = false

    /// Told when a piece came, from inside libcurl: it may only hand pieces on.
    var arrived: (() -> Void)?

    // Who waits.
    var head: CheckedContinuation<OutboundResponse, any Error>?
    var reader: CheckedContinuation<ArraySlice<UInt8>?, any Error>?
    var sender: CheckedContinuation<Bool, Never>?
    var feeder: Task<Void, Never>?
    var isHeadDelivered = false
    var isAttached = false

    init?() {
        guard let easy = curl_easy_init() else { return nil }
        self.easy = OpaquePointer(easy)
        errorText.initialize(repeating: 0, count: Int(CURL_ERROR_SIZE))
        permission.initialize(to: slipway_curl_guard())
    }

    deinit {
        curl_easy_cleanup(handle)
        curl_slist_free_all(headerList)
        errorText.deallocate()
        permission.deallocate()
    }

    var handle: UnsafeMutableRawPointer { UnsafeMutableRawPointer(easy) }

    static func of(_ context: UnsafeMutableRawPointer?) -> Transfer? {
        context.map { Unmanaged<Transfer>.fromOpaque($0).takeUnretainedValue() }
    }

    /// A line of the head; a new status line after a redirect or an interim answer begins it anew.
    func headerLine(_ line: Substring) {
        if line.hasPrefix("HTTP/") {
            headers.removeAll(keepingCapacity: true)
            return
        }
        if line.isEmpty {
            let isFollowed =
                followsRedirects && (300..<400).contains(status) && headers.contains { $0.name == "location" }
            isHeadWhole = status >= 200 && !isFollowed
            if isHeadWhole { arrived?() }
            return
        }
        guard let colon = line.firstIndex(of: ":") else { return }
        let value = line[line.index(after: colon)...].drop { $0 == " " || $0 == "\t" }
        headers.append((line[..<colon].lowercased(), String(value)))
    }

    var status: Int { slipway_curl_status(handle) }
}
