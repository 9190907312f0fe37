import CLinux
import Glibc
import Loop

/// Signals as events of a loop.
public enum ProcessSignals {
    /// What asks a service to stop.
    public static let stop: [Int32] = [SIGTERM, SIGINT]

    /// Takes the signals away from this thread and from every thread made from now on, so that only a loop hears them.
    /// Call it first thing in a `main` that is not `async`.
    public static func hold(_ signals: [Int32] = stop) {
        var set = self.set(signals)
        pthread_sigmask(SIG_BLOCK, &set, nil)
    }

    static func set(_ signals: [Int32]) -> sigset_t {
        var set = sigset_t()
        sigemptyset(&set)
        for signal in signals { sigaddset(&set, signal) }
        return set
    }
}

/// Hears signals on a loop through a descriptor.
final class SignalChannel: Channel {
    private let onSignal: (Int32) -> Void

    /// On the loop's thread. Removing the channel from the loop closes it.
    init(_ signals: [Int32], loop: EventLoop, onSignal: @escaping (Int32) -> Void) throws {
        self.onSignal = onSignal
        var set = ProcessSignals.set(signals)
        let descriptor = slipway_signalfd(&set)
        guard descriptor >= 0 else { throw LoopError(operation: "signalfd", number: errno) }
        super.init(descriptor: descriptor, loop: loop)
        do { try loop.add(self) } catch {
            close(descriptor)
            throw error
        }
    }

    override func ready(_ events: ChannelEvents) {
        while !isClosed {
            let signal = slipway_read_signal(descriptor)
            guard signal > 0 else { return }
            onSignal(signal)
        }
    }
}
