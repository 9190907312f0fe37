import CLinux
import Glibc

/// How many cores this process may use: those it is bound to, and no more than its container's share of time comes to.
///
/// The machine's own count misleads both: loops without a core of their own only take turns.
public enum AvailableCores {
    public static let count: Int = max(1, min(bound(), share(at: "/sys/fs/cgroup/cpu.max") ?? Int.max))

    private static func bound() -> Int {
        let count = Int(slipway_bound_cores())
        return count > 0 ? count : sysconf(Int32(_SC_NPROCESSORS_ONLN))
    }

    /// The quota of a control group over its period, rounded up; nil where there is none.
    static func share(at path: String) -> Int? {
        guard let file = fopen(path, "re") else { return nil }
        defer { fclose(file) }
        var line = [CChar](repeating: 0, count: 64)
        guard fgets(&line, Int32(line.count), file) != nil else { return nil }
        let text = String(decoding: line.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        let words = text.split { $0 == " " || $0 == "\n" }
        guard words.count == 2, let quota = Int(words[0]), let period = Int(words[1]), quota > 0, period > 0 else {
            return nil
        }
        return (quota + period - 1) / period
    }
}
