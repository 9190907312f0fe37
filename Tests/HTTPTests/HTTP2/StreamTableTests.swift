import Loop
import TestKit
import Testing

@testable import HTTP

@Suite("Table of streams")
struct StreamTableTests {
    @Test("opened and closed in any order, each stream is found until it is removed", arguments: [1, 2, 3] as [UInt64])
    func randomOrder(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let loop = try EventLoop(name: "unused")
        var table = StreamTable()
        var open: [Int32: HTTPStream] = [:]
        var next: Int32 = 1
        for _ in 0..<20_000 {
            if open.count < 1500, Bool.random(using: &random) || open.isEmpty {
                let stream = HTTPStream(
                    loop: loop, request: RequestHead(version: .http2), peer: PeerIdentity(address: "test"), driver: nil)
                stream.identifier = next
                // Identifiers may be left out, as a peer likes.
                next += 2 * Int32.random(in: 1...3, using: &random)
                table.insert(stream)
                open[stream.identifier] = stream
            } else if let victim = open.keys.randomElement(using: &random) {
                #expect(table.remove(victim) === open.removeValue(forKey: victim))
                #expect(table[victim] == nil)
            }
            let probe = Int32.random(in: 0...next, using: &random)
            #expect(table[probe] === open[probe])
            #expect(table.count == open.count)
        }
        #expect(Set(table.all.map(\.identifier)) == Set(open.keys))
        #expect(table.removeAll().count == open.count)
        #expect(table.count == 0 && table[1] == nil)
    }
}
