import AdapterContracts
import Loop
import Serving

/// Executions that complete later, that nobody waits for, or whose time has come.
let pendingChecks: [Check] = [
    Check(name: "cancel", promise: "an execution that nobody waits for is completed once, and the next is answered") {
        subject throws(Finding) in
        let model = try subject.model()
        let instance = try subject.instance(of: model)
        let inputs = try subject.inputs(for: model)
        let expected = try subject.outputs(instance, inputs)
        var pending = 0
        for _ in 0..<50 {
            let answered = Condition(0)
            let handle = instance.execute(ModelExecution(inputs: inputs)) { _ in answered.change { $0 += 1 } }
            pending += handle == nil ? 0 : 1
            handle?.cancel()
            handle?.cancel()
            guard answered.wait(atMost: .seconds(subject.options.seconds / 2), { $0 > 0 ? $0 : nil }) == 1 else {
                throw Finding("an execution that was cancelled was not completed once")
            }
        }
        guard try subject.outputs(instance, inputs) == expected else {
            throw Finding("the answer after cancelled executions is another")
        }
        return pending == 0 ? .skipped("it completes before it returns") : .passed("\(pending) pending executions")
    },
    Check(name: "deadline", promise: "an execution whose time has come is completed all the same") {
        subject throws(Finding) in
        let model = try subject.model()
        let instance = try subject.instance(of: model)
        let inputs = try subject.inputs(for: model)
        let expected = try subject.outputs(instance, inputs)
        for past in [Duration.seconds(3600), .zero] {
            let answered = Condition(0)
            let deadline = MonotonicClock().now.advanced(by: .zero - past)
            let handle = instance.execute(ModelExecution(inputs: inputs, deadline: deadline)) { _ in
                answered.change { $0 += 1 }
            }
            defer { withExtendedLifetime(handle) {} }
            guard answered.wait(atMost: .seconds(subject.options.seconds / 2), { $0 > 0 ? $0 : nil }) == 1 else {
                throw Finding("an execution past its deadline was not completed once")
            }
        }
        guard try subject.outputs(instance, inputs) == expected else {
            throw Finding("the answer after executions past their deadline is another")
        }
        return .passed("")
    },
    Check(name: "let-go", promise: "a model whose executions are under way is unloaded after them") {
        subject throws(Finding) in
        let answered = Condition(0)
        let count = 20
        for _ in 0..<count {
            let model = try subject.model()
            let instance = try subject.instance(of: model)
            _ = instance.execute(ModelExecution(inputs: try subject.inputs(for: model))) { _ in
                answered.change { $0 += 1 }
            }
        }
        guard answered.wait(atMost: .seconds(subject.options.seconds / 2), { $0 >= count ? $0 : nil }) == count else {
            throw Finding("executions whose model was let go of were not completed, each once")
        }
        return .passed("")
    },
]
