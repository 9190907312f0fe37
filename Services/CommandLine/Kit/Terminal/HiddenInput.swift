import Glibc
import Loop

/// Asks for something that must not be seen.
public enum HiddenInput {
    /// What the terminal was like before it was told to hide; nil while nothing is asked.
    private static let before = Lock<termios?>(nil)

    /// Reads a line from the terminal without showing it. Blocks.
    /// - Returns: nil where the input ended.
    public static func ask(_ prompt: String, _ terminal: Terminal) -> String? {
        var settings = termios()
        guard tcgetattr(STDIN_FILENO, &settings) == 0 else { return nil }
        before.withLock { $0 = settings }
        settings.c_lflag &= ~tcflag_t(ECHO)
        tcsetattr(STDIN_FILENO, TCSAFLUSH, &settings)
        defer {
            restore()
            terminal.write("\n", to: .error)
        }
        terminal.write(prompt, to: .error)
        return readLine(strippingNewline: true)
    }

    /// Gives the terminal back, from any thread.
    /// - Returns: whether something was being asked.
    @discardableResult public static func restore() -> Bool {
        before.withLock { before in
            guard var settings = before else { return false }
            tcsetattr(STDIN_FILENO, TCSANOW, &settings)
            before = nil
            return true
        }
    }
}
