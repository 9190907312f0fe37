import Contracts
import TestKit
import Testing

@testable import DeployerCore

@Suite("which revisions get requests") struct EffectiveSharesTests {
    private func shares(_ desired: [Int32: Int32], ready: Set<Int32>, before: Int32 = 0) -> [Int32: Int32] {
        let asked = desired.map { Slipway.Routing.V1.RouteShare(revision: $0.key, percent: $0.value) }
        let found = EffectiveShares(desired: asked, ready: ready, before: before).shares
        return Dictionary(uniqueKeysWithValues: found.map { ($0.revision, $0.percent) })
    }

    @Test("those that are ready get what was asked for")
    func asAsked() { #expect(shares([1: 90, 2: 10], ready: [1, 2]) == [1: 90, 2: 10]) }

    @Test("one that is not ready leaves its share to the others")
    func left() { #expect(shares([1: 90, 2: 10], ready: [1]) == [1: 100]) }

    @Test("what served before goes on until something that was asked for is ready")
    func before() {
        #expect(shares([2: 100], ready: [1], before: 1) == [1: 100])
        #expect(shares([2: 100], ready: [1, 2], before: 1) == [2: 100])
    }

    @Test("where nothing is ready requests wait for what was asked for")
    func nothing() { #expect(shares([1: 60, 2: 40], ready: []) == [1: 60, 2: 40]) }

    @Test("shares that were spread are 100 together, and in the proportions that were asked for")
    func spread() {
        #expect(shares([1: 33, 2: 33, 3: 34], ready: [1, 2]) == [1: 50, 2: 50])
        #expect(shares([1: 1, 2: 1, 3: 1, 4: 97], ready: [1, 2, 3]) == [1: 34, 2: 33, 3: 33])
        var generator = SeededGenerator(seed: 7)
        for _ in 0..<500 {
            var left: Int32 = 100
            var desired: [Int32: Int32] = [:]
            for revision in Int32(1)...5 {
                let percent = revision == 5 ? left : Int32.random(in: 0...left, using: &generator)
                desired[revision] = percent
                left -= percent
            }
            let ready = Set((Int32(1)...5).filter { _ in Bool.random(using: &generator) })
            #expect(shares(desired, ready: ready).values.reduce(0, +) == 100)
        }
    }
}
