import Loop

/// The client's side of a protocol on a connection.
protocol ClientDriver: ConnectionDriver {
    /// Opens a stream for a request, or returns nil where the connection takes no more.
    func open(_ request: RequestHead, receiver: any HTTPStreamReceiver, end: Bool) -> HTTPStream?
    /// How many streams may be opened now.
    var openCapacity: Int { get }
    /// Called when that number may have grown.
    var onCapacity: (() -> Void)? { get set }
    /// True when nothing will ever be opened here again.
    var isSpent: Bool { get }
    var activeStreams: Int { get }
}

extension HTTP2Driver: ClientDriver {
    var isSpent: Bool { connection == nil || isGoingAway || draining != .no }
    var activeStreams: Int { streams.count }
}
