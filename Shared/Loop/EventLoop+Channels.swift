import CLinux
import Glibc

extension EventLoop {
    /// Watches a channel for reading and writing until `remove`. On the loop's thread.
    /// - Throws: `LoopError` where the kernel refuses; the descriptor stays the caller's then.
    public func add(_ channel: Channel) throws {
        generation &+= 1
        channel.generation = generation
        let index = Int(channel.descriptor)
        if index >= channels.count {
            channels.append(contentsOf: repeatElement(nil, count: max(index + 1 - channels.count, channels.count)))
        }
        let events: ChannelEvents = [.readable, .writable, .peerEnded, .edgeTriggered]
        let data = UInt64(channel.generation) << 32 | UInt64(UInt32(bitPattern: channel.descriptor))
        guard slipway_epoll_control(poll, EPOLL_CTL_ADD, channel.descriptor, events.rawValue, data) == 0 else {
            throw LoopError(operation: "epoll_ctl", number: errno)
        }
        channels[index] = channel
        channelCount += 1
    }

    /// Stops watching and closes the descriptor where it is the channel's own. Does nothing the second time.
    public func remove(_ channel: Channel) {
        guard !channel.isClosed else { return }
        channel.isClosed = true
        let index = Int(channel.descriptor)
        if index < channels.count, channels[index] === channel {
            channels[index] = nil
            channelCount -= 1
            worked(EventLoop.workOfAChannel)
        }
        if channel.ownsDescriptor {
            close(channel.descriptor)
        } else {
            // Nothing is watched any more where the owner has closed it already; the kernel then only says so.
            _ = slipway_epoll_control(poll, EPOLL_CTL_DEL, channel.descriptor, 0, 0)
        }
    }

    /// Asks for one `flush` at the end of this turn.
    @inline(__always) public func markDirty(_ channel: Channel) {
        guard !channel.isDirty else { return }
        channel.isDirty = true
        dirtyChannels.append(channel)
    }

    /// Asks for one more `ready(.readable)` in the next turn: the channel's budget is spent and others wait.
    public func readAgain(_ channel: Channel) {
        // Asked for twice, by an edge and by the turn before, it would take two places among the others for ever.
        guard !channel.isToReadAgain else { return }
        channel.isToReadAgain = true
        againChannels.append(channel)
    }

    /// What the loop holds now, for leak checks and gauges. On the loop's thread.
    public var counts: (channels: Int, timers: Int) { (channelCount, timers.count) }
}
