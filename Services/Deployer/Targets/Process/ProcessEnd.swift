internal import CLinux
internal import Glibc
internal import Loop

/// A process that is not ours to wait for, named so that a later one of its number is never meant.
struct ForeignProcess {
    private let descriptor: OpenFile
    private let number: pid_t

    /// Nil where there is none that `isStill` confirms once the number can't be given again.
    init?(_ number: pid_t, isStill: () -> Bool) {
        let descriptor = slipway_process_descriptor(number)
        guard descriptor >= 0 else { return nil }
        self.descriptor = OpenFile(descriptor)
        self.number = number
        guard isStill() else { return nil }
    }

    func send(_ signal: Int32) { _ = slipway_signal_process(descriptor.descriptor, signal) }

    /// Ends it by force and waits for that. Blocks.
    func end() {
        send(SIGKILL)
        var polled = pollfd(fd: descriptor.descriptor, events: Int16(POLLIN), revents: 0)
        while poll(&polled, 1, 10_000) < 0, errno == EINTR {}
        forget()
    }

    /// Where this process is the first of a container, those whose parents are gone are its own.
    func forget() {
        var status: Int32 = 0
        waitpid(number, &status, WNOHANG)
    }

    /// Waits for its end. False where that did not come in time, or the task was cancelled.
    func ends(within limit: Duration, on loop: EventLoop) async -> Bool {
        let wait = ProcessWait(descriptor)
        return await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                loop.execute { wait.begin(loop, limit, continuation) }
            }
        } onCancel: {
            loop.execute { wait.finish(false) }
        }
    }
}

/// Confined to its loop; cancelling may come before the beginning.
private final class ProcessWait: @unchecked Sendable {
    private let descriptor: OpenFile
    private var channel: ProcessChannel?
    private var timer: LoopTimer?
    private var continuation: CheckedContinuation<Bool, Never>?
    private var isOver = false

    init(_ descriptor: OpenFile) { self.descriptor = descriptor }

    func begin(_ loop: EventLoop, _ limit: Duration, _ continuation: CheckedContinuation<Bool, Never>) {
        guard !isOver else { return continuation.resume(returning: false) }
        self.continuation = continuation
        // A copy, since several may wait for one process on one loop. The loop is to forget it by itself: closing a copy
        // leaves it watched.
        guard let copy = try? OpenFile(duplicating: descriptor) else { return finish(false) }
        let channel = ProcessChannel(copy, loop: loop)
        channel.ended = { [weak self] in self?.finish($0) }
        guard (try? loop.add(channel)) != nil else { return finish(false) }
        self.channel = channel
        timer = loop.schedule(after: limit) { [weak self] in self?.finish(false) }
    }

    func finish(_ hasEnded: Bool) {
        isOver = true
        timer?.cancel()
        timer = nil
        if let channel { channel.loop.remove(channel) }
        channel = nil
        continuation?.resume(returning: hasEnded)
        continuation = nil
    }
}

private final class ProcessChannel: Channel {
    private let file: OpenFile
    /// False where it was not waited for to the end.
    var ended: (Bool) -> Void = { _ in }

    init(_ file: OpenFile, loop: EventLoop) {
        self.file = file
        super.init(descriptor: file.descriptor, loop: loop, ownsDescriptor: false)
    }

    override func ready(_ events: ChannelEvents) {
        if !events.isDisjoint(with: [.readable, .ended]) { ended(true) }
    }

    override func loopStopped() { ended(false) }
}
