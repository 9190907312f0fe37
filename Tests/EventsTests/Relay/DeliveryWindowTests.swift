import Journal
import TestKit
import Testing

@testable import EventsCore

@Suite struct DeliveryWindowTests {
    private func place(_ id: Int64) -> JournalCursor { JournalCursor(transaction: 1, id: id) }

    @Test("what is done never passes an event that is not finished")
    func holdsBack() {
        var window = DeliveryWindow(after: place(0))
        for id in 1...3 as ClosedRange<Int64> { window.take(place(id)) }
        window.finish(place(3))
        window.finish(place(2))
        #expect(window.done == place(0))
        window.finish(place(1))
        #expect(window.done == place(3))
        #expect(window.count == 0)
    }

    @Test("where nothing is under way, what was passed by is done as well")
    func passes() {
        var window = DeliveryWindow(after: place(0))
        window.pass(to: place(10))
        #expect(window.done == place(10))
        window.take(place(11))
        window.pass(to: place(20))
        #expect(window.done == place(10))
        window.finish(place(11))
        #expect(window.done == place(20))
    }

    @Test("in any order of ends, everything before what is done is finished", arguments: 0..<20)
    func anyOrder(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        var window = DeliveryWindow(after: place(0))
        var open: Set<Int64> = []
        var next: Int64 = 1
        for _ in 0..<5000 {
            if Bool.random(using: &random) {
                window.take(place(next))
                open.insert(next)
                next += 1
            } else if let id = open.randomElement(using: &random) {
                open.remove(id)
                window.finish(place(id))
            }
            let lowest = open.min() ?? next
            #expect(window.done < place(lowest))
            #expect(window.done == place(lowest - 1))
        }
    }
}
