import CLinux

/// A descriptor that a loop watches, edge-triggered. All of it lives on the loop's thread.
open class Channel {
    public let descriptor: Int32
    public let loop: EventLoop
    public internal(set) var isClosed = false
    /// Whether the loop closes the descriptor with the channel. A library that opened it itself also closes it itself.
    let ownsDescriptor: Bool
    var generation: UInt32 = 0
    var isDirty = false
    var isToReadAgain = false

    public init(descriptor: Int32, loop: EventLoop, ownsDescriptor: Bool = true) {
        self.descriptor = descriptor
        self.ownsDescriptor = ownsDescriptor
        self.loop = loop
    }

    /// The descriptor became readable, writable or was hung up. Whoever stops before everything was read asks for another
    /// turn with `EventLoop.readAgain`, because an edge comes once.
    open func ready(_ events: ChannelEvents) {}

    /// Called once per turn of the loop after `EventLoop.markDirty`, so that many small writes become one.
    open func flush() {}

    /// The loop ends and the channel is still open. Whoever overrides this removes the channel itself.
    open func loopStopped() { loop.remove(self) }
}

/// What epoll reported.
public struct ChannelEvents: OptionSet, Sendable {
    public let rawValue: UInt32
    @inlinable public init(rawValue: UInt32) { self.rawValue = rawValue }

    public static let readable = ChannelEvents(rawValue: SLIPWAY_EPOLLIN)
    public static let writable = ChannelEvents(rawValue: SLIPWAY_EPOLLOUT)
    /// The peer sends no more, hung up, or the descriptor failed: what is left must be read to its end.
    public static let ended = ChannelEvents(rawValue: SLIPWAY_EPOLLRDHUP | SLIPWAY_EPOLLHUP | SLIPWAY_EPOLLERR)
    /// Part of `ended`: nothing goes in either direction any more. A peer that merely sends no more is not in here.
    public static let hungUp = ChannelEvents(rawValue: SLIPWAY_EPOLLHUP | SLIPWAY_EPOLLERR)
    static let edgeTriggered = ChannelEvents(rawValue: SLIPWAY_EPOLLET)
    static let peerEnded = ChannelEvents(rawValue: SLIPWAY_EPOLLRDHUP)
}
