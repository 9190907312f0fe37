import Glibc
import Journal
import Loop
import ServiceKit
import Testing

@testable import JournalKeeping
@testable import Postgres

@Suite(.serialized) struct JournalKeeperTests {
    @Test("coming months get their partitions, new entries are sealed, old months go, and it is said and counted")
    func upkeep() async throws {
        try await KeeperFixture.with { fixture in
            try await fixture.pool.execute(
                """
                CREATE TABLE journal.entries_2001_01 PARTITION OF journal.entries
                FOR VALUES FROM ('2001-01-01Z') TO ('2001-02-01Z')
                """)
            try await fixture.pool.execute(
                "INSERT INTO journal.entries (at, actor, action, subject) VALUES ('2001-01-10Z', 'a', 'b', 'old')")
            try await fixture.append("first")
            var settings = JournalKeeperSettings()
            settings.monthsAhead = 4
            settings.retainMonths = 12
            settings.sealBatch = 1
            let log = try LogFile()
            let (keeper, metrics) = fixture.keeper(settings, logger: Logger("test", writer: log.writer, level: .debug))
            let task = Task { try await keeper.run() }
            try await fixture.passTime(until: "all duties done once") {
                metrics.value("slipway_journal_partitions_retired_total") == 1
            }
            // This month and two more were there, and the default.
            #expect(try await fixture.partitions().count == 5 + 1)
            #expect(metrics.value("slipway_journal_partitions_made_total") == 2)
            #expect(metrics.value("slipway_journal_sealed_entries_total") == 2)
            #expect(metrics.value("slipway_journal_keeper") == 1)
            try await fixture.append("second")
            try await fixture.passTime(until: "the second entry is sealed") { try await fixture.sealedCount() == 3 }
            let journal = Journal(fixture.pool)
            #expect(try await journal.verify() == [])
            #expect(try await journal.read(after: .start).map(\.entry.subject) == ["first", "second"])
            task.cancel()
            _ = await task.result
            #expect(metrics.value("slipway_journal_keeper") == 0)
            let text = log.text()
            for expected in ["keeps the journal", "made partitions", "sealed entries", "entries_2001_01"] {
                #expect(text.contains(expected), "\(text)")
            }
        }
    }

    @Test("of two keepers one works; the other takes over when that one is asked to stop")
    func oneAtATime() async throws {
        try await KeeperFixture.with { fixture in
            let sealed = "slipway_journal_sealed_entries_total"
            let (first, firstMetrics) = fixture.keeper()
            let (second, secondMetrics) = fixture.keeper()
            let stop = StopSignal()
            let firstTask = Task { try await StopSignal.$current.withValue(stop) { try await first.run() } }
            try await fixture.passTime(until: "the first keeps") { firstMetrics.value("slipway_journal_keeper") == 1 }
            let secondTask = Task { try await second.run() }
            try await fixture.append("one")
            try await fixture.passTime(until: "sealed") { firstMetrics.value(sealed) == 1 }
            #expect(secondMetrics.value("slipway_journal_keeper") == 0)
            stop.request()
            try await firstTask.value
            try await fixture.append("two")
            try await fixture.passTime(until: "the second keeps") { secondMetrics.value(sealed) == 1 }
            #expect(secondMetrics.value("slipway_journal_keeper") == 1)
            #expect(firstMetrics.value(sealed) == 1)
            #expect(try await fixture.sealedCount() == 2)
            secondTask.cancel()
            _ = await secondTask.result
        }
    }

    @Test("restarts of the database, and one that takes long, end nothing")
    func restarts() async throws {
        try await KeeperFixture.with { fixture in
            var settings = JournalKeeperSettings()
            settings.sealEvery = .seconds(1)
            let (keeper, metrics) = fixture.keeper(settings)
            let task = Task { try await keeper.run() }
            for number in 1...3 {
                try await fixture.append("entry \(number)")
                try await fixture.passTime(until: "sealed, round \(number)") {
                    try await fixture.sealedCount() == number
                }
                try await fixture.cluster.stop()
                // The keeper meets a database that is away, loses its lock and finds no server to take it again.
                let failures = metrics.failureCount
                while metrics.failureCount == failures {
                    fixture.clock.advance(by: .seconds(20))
                    await Task.yield()
                }
                _ = try await PrivateCluster.start(fixture.cluster.configuration)
            }
            try await fixture.append("last")
            try await fixture.passTime(until: "sealed at last") { try await fixture.sealedCount() == 4 }
            #expect(metrics.value("slipway_journal_keeper") == 1)
            task.cancel()
            _ = await task.result
        }
    }

    @Test("while somebody keeps the tables locked the other duties go on, and the failure is counted")
    func lockedOut() async throws {
        try await KeeperFixture.with { fixture in
            var settings = JournalKeeperSettings()
            settings.retainMonths = 1
            try await fixture.pool.execute(
                """
                CREATE TABLE journal.entries_2001_01 PARTITION OF journal.entries
                FOR VALUES FROM ('2001-01-01Z') TO ('2001-02-01Z')
                """)
            let (keeper, metrics) = fixture.keeper(settings)
            let failed = "slipway_journal_upkeep_failures_total{duty=\"retire\"}"
            try await fixture.append("one")
            let task = try await fixture.pool.transaction { transaction in
                try await transaction.execute("LOCK TABLE journal.entries_2001_01 IN ROW SHARE MODE")
                let task = Task { try await keeper.run() }
                try await fixture.passTime(.milliseconds(1), until: "refused") { metrics.value(failed) ?? 0 > 0 }
                #expect(try await fixture.sealedCount() == 1)
                return task
            }
            try await fixture.passTime(until: "dropped") {
                metrics.value("slipway_journal_partitions_retired_total") == 1
            }
            task.cancel()
            _ = await task.result
        }
    }
}

extension MetricsRegistry {
    fileprivate var failureCount: Double {
        ["lock", "partitions", "seal", "retire"].reduce(0) {
            $0 + (value("slipway_journal_upkeep_failures_total{duty=\"\($1)\"}") ?? 0)
        }
    }
}

/// A log that a test reads back.
private final class LogFile {
    let writer: LogWriter
    private let file: Int32

    init() throws {
        var template = Array("/tmp/slipway-log-XXXXXX".utf8CString)
        file = mkstemp(&template)
        unlink(template)
        try #require(file >= 0)
        var configuration = LogWriter.Configuration()
        configuration.descriptor = file
        writer = LogWriter(configuration)
        try writer.start()
    }

    deinit { close(file) }

    /// Ends the log and returns what it wrote.
    func text() -> String {
        writer.stop()
        let size = lseek(file, 0, SEEK_END)
        var bytes = [UInt8](repeating: 0, count: max(1, Int(size)))
        let count = pread(file, &bytes, bytes.count, 0)
        return String(decoding: bytes.prefix(max(0, count)), as: UTF8.self)
    }
}
