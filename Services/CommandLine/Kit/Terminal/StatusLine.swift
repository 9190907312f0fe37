import Loop

/// A line at the bottom of a terminal that says how something goes, with lines above it that stay. Where there is no
/// terminal only the lines that stay are written. Any number of tasks may report.
public final class StatusLine: Sendable {
    private struct State {
        var shown = ""
        var isOver = false
    }

    private let terminal: Terminal
    private let isQuiet: Bool
    private let state = Lock(State())

    public init(on terminal: Terminal, isQuiet: Bool = false) {
        self.terminal = terminal
        self.isQuiet = isQuiet
    }

    /// Replaces what the line says.
    public func show(_ line: ActivityLine) {
        guard !isQuiet, let width = terminal.width(of: .error) else { return }
        // Written while the lock is held: two tasks must not mix their lines.
        state.withLock { state in
            let text = line.bar(width: width - 1)
            guard !state.isOver, state.shown != text else { return }
            state.shown = text
            terminal.write("\r\u{1b}[K" + text, to: .error)
        }
    }

    /// Writes a line that stays.
    public func add(_ text: String, to target: Terminal.Target = .error) {
        guard !isQuiet || target == .output else { return }
        state.withLock { state in
            let isCovered = !state.shown.isEmpty && !state.isOver
            if isCovered { terminal.write("\r\u{1b}[K", to: .error) }
            terminal.write(text + "\n", to: target)
            if isCovered { terminal.write(state.shown, to: .error) }
        }
    }

    /// Takes the line away.
    public func end() {
        state.withLock { state in
            if !state.shown.isEmpty, !state.isOver { terminal.write("\r\u{1b}[K", to: .error) }
            state.isOver = true
        }
    }
}
