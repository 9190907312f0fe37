import Testing

@testable import HTTP

@Suite("A receive window")
struct ReceiveWindowTests {
    @Test("can be filled to its last byte, and opens again when a good piece fits")
    func hysteresis() {
        var window = ReceiveWindow(1000)
        window.take(990)
        #expect(window.room == 10)
        window.take(10)
        #expect(window.room == 0)
        window.give(249)
        #expect(window.room == 0)
        window.give(1)
        #expect(window.room == 250)
        window.take(100)
        #expect(window.room == 150)
        window.give(5000)
        #expect(window.room == 1000)
    }
}
