internal import CLinux
internal import Glibc
internal import Loop

/// Rings when something in a folder changes: files that come, go, are renamed, or that their writer lets go of.
enum FolderBell {
    /// - Parameter writes: ring at each write as well.
    /// - Returns: a ring to begin with, then one for each change; changes that come together ring once. It ends with the
    ///   task that reads it.
    /// - Throws: `SystemFault` where the machine watches no more folders.
    static func rings(_ folder: String, writes: Bool = false, on loop: EventLoop) throws(SystemFault)
        -> AsyncStream<Void>
    {
        let inotify = slipway_inotify()
        guard inotify >= 0 else { throw SystemFault("watch", folder) }
        guard slipway_watch_folder(inotify, folder, writes ? 1 : 0) >= 0 else {
            let fault = SystemFault("watch", folder)
            close(inotify)
            throw fault
        }
        let (stream, continuation) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        let rope = Rope()
        continuation.yield()
        continuation.onTermination = { _ in loop.execute { rope.end(loop) } }
        loop.execute { rope.begin(inotify, loop) { continuation.yield() } }
        return stream
    }
}

/// Holds a folder's channel. Confined to its loop; ending may come before the beginning.
private final class Rope: @unchecked Sendable {
    private var channel: BellChannel?
    private var isOver = false

    func begin(_ inotify: Int32, _ loop: EventLoop, _ ring: @escaping @Sendable () -> Void) {
        let channel = BellChannel(descriptor: inotify, loop: loop, ring: ring)
        guard !isOver, (try? loop.add(channel)) != nil else {
            close(inotify)
            return
        }
        self.channel = channel
        // What came before the loop looked is no edge any more.
        channel.ready(.readable)
    }

    func end(_ loop: EventLoop) {
        isOver = true
        if let channel { loop.remove(channel) }
        channel = nil
    }
}

private final class BellChannel: Channel {
    private let ring: @Sendable () -> Void

    init(descriptor: Int32, loop: EventLoop, ring: @escaping @Sendable () -> Void) {
        self.ring = ring
        super.init(descriptor: descriptor, loop: loop)
    }

    override func ready(_ events: ChannelEvents) {
        var any = false
        let buffer = loop.readBuffer
        while read(descriptor, buffer.baseAddress, buffer.count) > 0 { any = true }
        if any { ring() }
    }
}
