import Glibc
import Loop
import Postgres
import ProgramKit

/// What the relay is measured between, for `Benchmarks/Events/run`:
///
///     bench-events receive
///     bench-events write CONNECTION RATE SECONDS
///
/// The receiver consents to every subscription, takes what is sent as fast as it can, and says how many came. The writer
/// commits entries of the journal, each on its own, at a steady rate, and prints the id of each with the time at which its
/// commit was confirmed, in microseconds.
@main struct BenchEvents {
    static func main() async {
        await Program.main {
            let words = Array(CommandLine.arguments.dropFirst())
            switch (words.first, words.count) {
            case ("receive", 1): try await receive()
            case ("write", 4):
                guard let rate = Int(words[2]), let seconds = Int(words[3]), rate > 0 else { throw usage }
                try await JournalWriter.write(words[1], rate: rate, seconds: seconds)
            default: throw usage
            }
        }
    }

    private static var usage: PostgresError { PostgresError(.usage, "see the comment at the top of the source") }

    private static func receive() async throws {
        let loops = try LoopGroup(count: 1)
        Program.holdSignals()
        try loops.start()
        let server = try await EventReceiver.serve(on: loops)
        Program.say("\(server.addresses[0])")
        await Program.untilSignalled()
        await server.shutdown(grace: .milliseconds(100))
    }

    /// Microseconds since 1970.
    static func now() -> Int64 {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Int64(time.tv_sec) * 1_000_000 + Int64(time.tv_nsec) / 1000
    }
}
