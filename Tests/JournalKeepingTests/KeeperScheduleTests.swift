import Loop
import Testing

@testable import JournalKeeping

@Suite struct KeeperScheduleTests {
    private func at(_ seconds: Int64) -> LoopInstant { LoopInstant(nanoseconds: seconds * 1_000_000_000) }

    @Test("everything is due at once, partitions first, and then each at its own pace")
    func paces() {
        var settings = JournalKeeperSettings()
        settings.retainMonths = 3
        var schedule = KeeperSchedule(settings, now: at(0))
        #expect(schedule.due(at(0)) == [.partitions, .seal, .retire])
        for duty in KeeperDuty.allCases { schedule.done(duty, at(0)) }
        #expect(schedule.due(at(59)) == [])
        #expect(schedule.next == at(60))
        #expect(schedule.due(at(60)) == [.seal])
        schedule.done(.seal, at(60))
        #expect(schedule.next == at(120))
        #expect(schedule.due(at(24 * 3600)) == [.partitions, .seal, .retire])
    }

    @Test("without a retention nothing is ever dropped")
    func keepsEverything() {
        let schedule = KeeperSchedule(JournalKeeperSettings(), now: at(0))
        #expect(schedule.due(at(1_000_000_000)) == [.partitions, .seal])
    }

    @Test("what failed is tried again sooner, and no later than usual")
    func failures() {
        var settings = JournalKeeperSettings()
        settings.sealEvery = .seconds(5)
        var schedule = KeeperSchedule(settings, now: at(0))
        schedule.failed(.partitions, at(0))
        schedule.failed(.seal, at(0))
        #expect(schedule.due(at(5)) == [.seal])
        #expect(schedule.due(at(15)) == [.partitions, .seal])
    }
}
