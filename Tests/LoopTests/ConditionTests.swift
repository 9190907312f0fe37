import Glibc
import Testing

@testable import Loop

@Suite("A condition")
struct ConditionTests {
    @Test("every thread that waits gets its own share of what changes bring")
    func shares() throws {
        let condition = Condition<[Int]>([])
        let taken = Lock<[Int]>([])
        let threads = try (0..<4).map { index in
            try startThread(named: "taker-\(index)") {
                for _ in 0..<250 {
                    let number = condition.wait { $0.popLast() }
                    taken.withLock { $0.append(number) }
                }
            }
        }
        for number in 0..<1000 { condition.change { $0.append(number) } }
        for thread in threads { pthread_join(thread, nil) }
        #expect(taken.withLock { $0.sorted() } == Array(0..<1000))
    }

    @Test("a wait in vain ends with nothing, one that is heard with what it was told")
    func limits() throws {
        let condition = Condition<Int?>(nil)
        #expect(condition.wait(atMost: .milliseconds(20)) { $0 } == nil)
        let thread = try startThread(named: "giver") { condition.change(wakingAll: true) { $0 = 7 } }
        #expect(condition.wait(atMost: .seconds(600)) { $0 } == 7)
        pthread_join(thread, nil)
    }
}
