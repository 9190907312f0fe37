import Testing

@testable import Serving

@Suite("What an execution's events do")
struct ExecutionStateTests {
    private enum Event {
        case returned(AdapterStatus?, pending: Bool)
        case completed(AdapterStatus?)
        case cancel
        case cancelled
    }
    private static let wrong = AdapterStatus(code: 13, message: "wrong")
    private static let done = ExecutionState.Action.finish(nil, fault: nil)

    private static let table: [(name: String, events: [Event], actions: [ExecutionState.Action])] = [
        ("returns done", [.returned(nil, pending: false)], [done]),
        ("returns an error", [.returned(wrong, pending: true)], [.finish(wrong, fault: nil)]),
        ("completes later", [.returned(nil, pending: true), .completed(nil)], [.wait, done]),
        ("fails later", [.returned(nil, pending: true), .completed(wrong)], [.wait, .finish(wrong, fault: nil)]),
        ("completes early", [.completed(nil), .returned(nil, pending: true)], [.wait, done]),
        (
            "completes unasked", [.completed(nil), .returned(nil, pending: false)],
            [.wait, .finish(nil, fault: "it completed an execution for which it had not set pending")]
        ),
        (
            "completes and fails", [.completed(nil), .returned(wrong, pending: true)],
            [.wait, .finish(wrong, fault: "it completed an execution and returned an error for it besides")]
        ),
        (
            "completes twice early", [.completed(nil), .completed(nil), .returned(nil, pending: true)],
            [.wait, .blame("it completed an execution twice"), done]
        ),
        (
            "completes twice later", [.returned(nil, pending: true), .completed(nil), .completed(nil)],
            [.wait, done, .blame("it completed an execution that had ended already")]
        ),
        (
            "completes while it is told", [.returned(nil, pending: true), .cancel, .completed(wrong), .cancelled],
            [.wait, .wait, .finish(wrong, fault: nil)]
        ),
        (
            "completes after it was told", [.returned(nil, pending: true), .cancel, .cancelled, .completed(nil)],
            [.wait, .wait, done]
        ),
    ]

    @Test("each way ends the execution once", arguments: table.indices)
    func ways(index: Int) {
        let (name, events, expected) = ExecutionStateTests.table[index]
        var state = ExecutionState()
        state.begin()
        var actions: [ExecutionState.Action] = []
        for event in events {
            switch event {
            case .returned(let status, let pending): actions.append(state.returned(status, isPending: pending))
            case .completed(let status): actions.append(state.completed(status))
            case .cancel:
                let isTold = state.beginCancel()
                #expect(isTold)
            case .cancelled: actions.append(state.endCancel())
            }
        }
        #expect(actions == expected, "\(name)")
        #expect(state.phase == .idle)
        let isToldAgain = state.beginCancel()
        #expect(!isToldAgain)
    }
}
