import Testing

@testable import Activities

@Suite("the states of an activity")
struct ActivityRulesTests {
    typealias Rules = ActivityRules
    static let resumable = Rules.Trial(isResumable: true, attempts: 1, attemptsMax: 3)
    static let worn = Rules.Trial(isResumable: true, attempts: 3, attemptsMax: 3)
    static let fragile = Rules.Trial(isResumable: false, attempts: 1, attemptsMax: 3)

    static let table: [(ActivityState, Rules.Event, Rules.Step)] = [
        // Claimed: the state is what the last holder of the lease left.
        (.pending, .claimed(resumable), .run),
        (.pending, .claimed(fragile), .run),
        (.running, .claimed(resumable), .run),
        (.running, .claimed(worn), .finish(.failed, .attemptsExhausted)),
        (.running, .claimed(fragile), .finish(.failed, .processDied)),
        (.cancelling, .claimed(resumable), .finish(.cancelled, nil)),
        (.cancelling, .claimed(fragile), .finish(.cancelled, nil)),
        (.succeeded, .claimed(resumable), .nothing),
        (.failed, .claimed(resumable), .nothing),
        (.cancelled, .claimed(resumable), .nothing),
        // Somebody wants its end.
        (.pending, .cancelRequested, .finish(.cancelled, nil)),
        (.running, .cancelRequested, .askToCancel),
        (.cancelling, .cancelRequested, .nothing),
        (.succeeded, .cancelRequested, .nothing),
        (.failed, .cancelRequested, .nothing),
        (.cancelled, .cancelRequested, .nothing),
        // Its handler ended.
        (.running, .ended(.succeeded, fragile), .finish(.succeeded, nil)),
        (.running, .ended(.failed, resumable), .finish(.failed, nil)),
        (.running, .ended(.troubled, resumable), .handBack(countingAttempt: true)),
        (.running, .ended(.troubled, worn), .finish(.failed, .attemptsExhausted)),
        (.running, .ended(.troubled, fragile), .finish(.failed, nil)),
        (.running, .ended(.stopped, resumable), .handBack(countingAttempt: false)),
        (.running, .ended(.stopped, worn), .handBack(countingAttempt: false)),
        (.running, .ended(.stopped, fragile), .finish(.failed, .processStopped)),
        (.cancelling, .ended(.succeeded, resumable), .finish(.succeeded, nil)),
        (.cancelling, .ended(.failed, resumable), .finish(.cancelled, nil)),
        (.cancelling, .ended(.troubled, resumable), .finish(.cancelled, nil)),
        (.cancelling, .ended(.stopped, resumable), .finish(.cancelled, nil)),
    ]

    @Test("each state and event give one step", arguments: table.indices)
    func step(_ row: Int) {
        let (state, event, step) = ActivityRulesTests.table[row]
        #expect(Rules.step(state, event) == step)
    }

    @Test("what ended stays as it is, however a late handler ends")
    func late() {
        for state in ActivityState.allCases where state.isFinal || state == .pending {
            for end in Rules.End.allCases {
                #expect(Rules.step(state, .ended(end, ActivityRulesTests.resumable)) == .nothing)
            }
        }
    }
}

@Suite("what goes into the database")
struct ActivityTextTests {
    @Test("texts are cut between characters, and zero characters replaced")
    func clipped() {
        #expect(ActivityOutbox.clipped("short", 10) == "short")
        #expect(ActivityOutbox.clipped("äöüäöü", 9) == "äöü…")
        #expect(ActivityOutbox.clipped("a\0b", 10) == "a\u{FFFD}b")
    }

    @Test("a cursor comes back from its text, and other texts are no cursors")
    func cursor() {
        #expect(ActivityCursor("7.00000000-0000-4000-8000-000000000001")?.description.hasPrefix("7.") == true)
        for text in ["", "7", "7.x", "x.00000000-0000-4000-8000-000000000001", "7.1.2"] {
            #expect(ActivityCursor(text) == nil)
        }
    }
}
