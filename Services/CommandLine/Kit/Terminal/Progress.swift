import Glibc
import Loop

/// Shows how far a transfer is: a bar on a terminal, else a line every few seconds. Any number of tasks may report.
public final class Progress: Sendable {
    private struct State {
        var done: Int64 = 0
        var total: Int64
        var lastShown: LoopInstant
        var isShown = false
        var isOver = false
    }

    private let label: String
    private let terminal: Terminal
    private let isQuiet: Bool
    private let clock: any LoopClock
    private let start: LoopInstant
    private let state: Lock<State>

    public init(
        _ label: String, total: Int64, on terminal: Terminal, isQuiet: Bool = false,
        clock: any LoopClock = MonotonicClock()
    ) {
        self.label = label
        self.terminal = terminal
        self.isQuiet = isQuiet
        self.clock = clock
        start = clock.now
        state = Lock(State(total: total, lastShown: clock.now))
    }

    /// So many more are done; fewer where something has to be done again.
    public func advance(by count: Int64) {
        guard !isQuiet else { return }
        // Written while the lock is held: two tasks must not mix their lines.
        state.withLock { state in
            state.done += count
            let now = clock.now
            let pause: Duration = terminal.errorIsTerminal ? .milliseconds(100) : .seconds(5)
            guard state.lastShown.duration(to: now) >= pause, !state.isOver else { return }
            state.lastShown = now
            state.isShown = true
            let line = ProgressLine(label: label, done: state.done, total: state.total, seconds: seconds(until: now))
            if let width = terminal.width(of: .error) {
                terminal.write("\r\u{1b}[K" + line.bar(width: width - 1), to: .error)
            } else {
                terminal.write(line.text + "\n", to: .error)
            }
        }
    }

    /// Says something in between, such as why a transfer waits.
    public func note(_ text: String) {
        state.withLock { _ in
            terminal.write((terminal.errorIsTerminal ? "\r\u{1b}[K" : "") + text + "\n", to: .error)
        }
    }

    /// Takes the bar away.
    public func end() {
        state.withLock { state in
            if state.isShown, !state.isOver, terminal.errorIsTerminal { terminal.write("\r\u{1b}[K", to: .error) }
            state.isOver = true
        }
    }

    private func seconds(until now: LoopInstant) -> Double {
        let (seconds, attoseconds) = start.duration(to: now).components
        return Double(seconds) + Double(attoseconds) / 1e18
    }
}
