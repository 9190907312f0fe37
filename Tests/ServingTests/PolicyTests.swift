import Testing

@testable import Serving

@Suite("What the manager does next")
struct PolicyTests {
    private static func want(_ version: Int64, fingerprint: UInt64 = 1, demand: Int = 0) -> DesiredVersion {
        var desired = DesiredVersion(name: "m", version: version, folder: "", fingerprint: fingerprint)
        desired.demand = demand
        return desired
    }

    private static func have(
        _ number: Int, _ version: Int64, _ state: VersionState, fingerprint: UInt64 = 1, demand: Int = 0
    ) -> VersionRecord {
        VersionRecord(
            number: number, name: "m", version: version, fingerprint: fingerprint, demand: demand, state: state)
    }

    struct Case: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var desired: [DesiredVersion]
        var records: [VersionRecord]
        var step: ServingPolicy.Step?
    }

    @Test(
        "one step at a time",
        arguments: [
            Case(testDescription: "nothing is wanted and nothing there", desired: [], records: [], step: nil),
            Case(testDescription: "what is wanted is loaded", desired: [want(1)], records: [], step: .load(want(1))),
            Case(
                testDescription: "what loads is waited for", desired: [want(1)], records: [have(1, 1, .loading)],
                step: nil),
            Case(testDescription: "what is ready stays", desired: [want(1)], records: [have(1, 1, .ready)], step: nil),
            Case(
                testDescription: "a failed load is not repeated", desired: [want(1)], records: [have(1, 1, .failed)],
                step: nil),
            Case(
                testDescription: "changed files are loaded again", desired: [want(1, fingerprint: 2)],
                records: [have(1, 1, .failed)], step: .load(want(1, fingerprint: 2))),
            Case(
                testDescription: "an explicit wish loads again", desired: [want(1, demand: 1)],
                records: [have(1, 1, .ready)], step: .load(want(1, demand: 1))),
            Case(
                testDescription: "a version serves until the next is ready", desired: [want(2)],
                records: [have(1, 1, .ready), have(2, 2, .warming)], step: nil),
            Case(
                testDescription: "a version goes when the next is ready", desired: [want(2)],
                records: [have(1, 1, .ready), have(2, 2, .ready)], step: .unload(1)),
            Case(
                testDescription: "a version stays when the next failed", desired: [want(2)],
                records: [have(1, 1, .ready), have(2, 2, .failed)], step: nil),
            Case(
                testDescription: "of the same version the newer load stays", desired: [want(1, fingerprint: 2)],
                records: [have(1, 1, .ready), have(2, 1, .ready, fingerprint: 2)], step: .unload(1)),
            Case(
                testDescription: "what nobody wants goes at once", desired: [], records: [have(1, 1, .ready)],
                step: .unload(1)),
            Case(
                testDescription: "a failure that nobody wants is forgotten", desired: [],
                records: [have(1, 1, .failed)],
                step: .forget(1)),
            Case(
                testDescription: "a failure is forgotten for its successor", desired: [want(1, fingerprint: 2)],
                records: [have(1, 1, .failed), have(2, 1, .loading, fingerprint: 2)], step: .forget(1)),
            Case(
                testDescription: "one version is not loaded twice at a time", desired: [want(1, fingerprint: 2)],
                records: [have(1, 1, .loading)], step: nil),
            Case(
                testDescription: "what was unloaded and is wanted is loaded", desired: [want(1)],
                records: [have(1, 1, .gone)], step: .load(want(1))),
            Case(
                testDescription: "loads at once are limited", desired: [want(1), want(2), want(3)],
                records: [have(1, 1, .loading), have(2, 2, .warming)], step: nil),
        ])
    func step(_ example: Case) {
        #expect(
            ServingPolicy.next(desired: example.desired, records: example.records, loadsMax: 2) == example.step)
    }

    @Test("no state leads back, and the last ones lead nowhere")
    func succession() {
        #expect(VersionState.allCases.filter { $0.successors.isEmpty } == [.gone, .failed])
        for state in VersionState.allCases { #expect(!state.successors.contains(state)) }
        #expect(!VersionState.ready.successors.contains(.failed))
    }

    @Test("a policy of versions chooses among those that are there")
    func versions() {
        #expect(VersionPolicy.latest(1).choose(of: [3, 10, 2]) == [10])
        #expect(VersionPolicy.latest(2).choose(of: [3, 10, 2]) == [3, 10])
        #expect(VersionPolicy.all.choose(of: [3, 10, 2]) == [2, 3, 10])
        #expect(VersionPolicy.specific([2, 7]).choose(of: [3, 10, 2]) == [2])
    }
}
