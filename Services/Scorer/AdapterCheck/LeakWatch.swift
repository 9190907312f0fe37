import Glibc

/// Watches the process while the same thing is done again and again: whether memory, descriptors and threads grow.
struct LeakWatch {
    private struct Reading {
        var memory: Int
        var descriptors: Int
        var threads: Int

        init() {
            let pages = (try? Files.read("/proc/self/statm")).map { String(decoding: $0, as: UTF8.self) } ?? ""
            let words = pages.split(separator: " ")
            memory = (words.count > 1 ? Int(words[1]) ?? 0 : 0) * Int(getpagesize())
            descriptors = Files.list("/proc/self/fd").count
            threads = Files.list("/proc/self/task").count
        }
    }

    private var readings: [Reading] = []
    private let start = LeakWatch.now
    /// What every round may keep: less cannot be told from how allocators breathe.
    private static let bytesPerRoundMax = 512
    private static let bytesMax = 768 << 10
    private static let roundsMin = 8

    var count: Int { readings.count }

    private static var now: Int {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return time.tv_sec
    }

    func isOver(seconds: Int) -> Bool { readings.count >= LeakWatch.roundsMin && LeakWatch.now - start >= seconds }

    mutating func step() { readings.append(Reading()) }

    /// - Throws: what grew, by how much.
    /// - Returns: what to tell of it otherwise.
    func judge(each what: String) throws(Finding) -> String {
        let count = readings.count
        guard count >= LeakWatch.roundsMin else { return "\(count) rounds, too few to see anything" }
        // The first quarter warms caches and pools up. What leaks grows in each of the others.
        let marks = [count / 4, count / 2, count * 3 / 4, count - 1].map { readings[$0] }
        let rounds = count - 1 - count / 4
        let growth = marks[3].memory - marks[0].memory
        let isSteady = zip(marks, marks.dropFirst()).allSatisfy { $0.memory < $1.memory }
        if isSteady, growth > max(LeakWatch.bytesMax, rounds * LeakWatch.bytesPerRoundMax) {
            throw Finding(
                "memory grows by \(growth / rounds) bytes with each \(what) (\(growth >> 10) KiB in \(rounds))")
        }
        if marks[3].descriptors > marks[0].descriptors + 2 {
            throw Finding(
                "\(marks[3].descriptors - marks[0].descriptors) descriptors stay open after \(rounds) times a \(what)")
        }
        if marks[3].threads > marks[0].threads + 2 {
            throw Finding("\(marks[3].threads - marks[0].threads) threads stay after \(rounds) times a \(what)")
        }
        return "\(count) times, memory \(growth >= 0 ? "+" : "")\(growth >> 10) KiB"
    }
}
