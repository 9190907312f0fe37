import AdapterContracts
import Loop
import Serving

/// Batches, and requests at the same time.
let batchChecks: [Check] = [
    Check(name: "empty-batch", promise: "a batch without rows is answered without rows, or refused") {
        subject throws(Finding) in
        guard let (model, instance) = try batching(subject) else { return .skipped("the model does not batch") }
        switch try subject.answer(instance, try subject.inputs(for: model, rows: 0)) {
        case .success(let outputs):
            for output in outputs where output.shape.first != 0 {
                throw Finding("output \"\(output.name)\" has shape \(output.shape) for no rows")
            }
            return .passed("answered")
        case .failure(let error):
            guard error.kind == .invalidInput else {
                throw Finding("it is refused, and not with INVALID_ARGUMENT: \(error.message)")
            }
            return .passed("refused: \(error.message)")
        }
    },
    Check(name: "huge-batch", promise: "batches of many rows are answered, or refused where they are over its limit") {
        subject throws(Finding) in
        guard let (model, instance) = try batching(subject) else { return .skipped("the model does not batch") }
        let limit = Int(clamping: model.description.largestBatch)
        let rowBytes = try subject.inputs(for: model).reduce(0) { $0 + $1.contents.count }
        var largest = 0
        for rows in [2, 3, 7, 64, 1000, 20_000] where rows * rowBytes <= 64 << 20 {
            switch try subject.answer(instance, try subject.inputs(for: model, rows: rows)) {
            case .success(let outputs):
                for output in outputs where output.shape.first != rows {
                    throw Finding("output \"\(output.name)\" has shape \(output.shape) for \(rows) rows")
                }
                largest = rows
            case .failure(let error):
                guard limit > 0, rows > limit else { throw Finding("\(rows) rows: \(error.message)") }
            }
        }
        return .passed("\(largest) rows")
    },
    Check(name: "joined", promise: "a row has the same answer in a batch as alone") { subject throws(Finding) in
        guard let (model, instance) = try batching(subject) else { return .skipped("the model does not batch") }
        let rows = min(8, model.description.largestBatch == 0 ? 8 : Int(clamping: model.description.largestBatch))
        let joined = try subject.inputs(for: model, rows: rows, seed: 3)
        let answer = try subject.outputs(instance, joined)
        var largest = 0.0
        for row in 0..<rows {
            let alone = try subject.outputs(instance, joined.compactMap { $0.row(row) })
            for (one, batch) in zip(alone, answer) {
                guard let part = batch.row(row), part.shape == one.shape, let distance = part.distance(to: one),
                    distance < 1e-4
                else { throw Finding("output \"\(one.name)\" of row \(row) of \(rows) is another alone") }
                largest = max(largest, distance)
            }
        }
        // Matrix products of other sizes add in another order.
        return largest == 0 ? .passed("to the last bit") : .noted("numbers differ by up to \(largest)")
    },
    Check(name: "concurrent", promise: "instances that execute at the same time do not meet") {
        subject throws(Finding) in
        let model = try subject.model()
        let instances = try (0..<4).map { index throws(Finding) in try subject.instance(of: model, index) }
        let rounds = try race(subject, model, instances)
        return .passed("\(rounds) executions on \(instances.count) threads")
    },
    Check(name: "shared", promise: "an instance that takes several executions at once keeps them apart") {
        subject throws(Finding) in
        let model = try subject.model()
        guard model.description.concurrentExecutions else { return .skipped("it takes one at a time") }
        let instance = try subject.instance(of: model)
        let rounds = try race(subject, model, [instance, instance, instance, instance])
        return .passed("\(rounds) executions on 4 threads")
    },
]

private func batching(
    _ subject: Subject
) throws(Finding) -> (model: any ServableModel, instance: any ServableInstance)? {
    let model = try subject.model()
    guard model.description.batches, model.description.interface == .tensors else { return nil }
    return (model, try subject.instance(of: model))
}

/// Executes on one thread for each instance, and compares with what came one after the other.
private func race(
    _ subject: Subject, _ model: any ServableModel, _ instances: [any ServableInstance]
) throws(Finding) -> Int {
    let requests = try (0..<8).map { seed throws(Finding) in try subject.inputs(for: model, seed: UInt64(seed)) }
    guard let first = instances.first else { return 0 }
    let expected = try requests.map { inputs throws(Finding) in try subject.outputs(first, inputs) }
    let rounds = 2000
    let wrong = Lock<String?>(nil)
    let end = MonotonicClock().now.advanced(by: .seconds(subject.options.seconds / 3))
    let done = Threads.run(instances.count) { thread in
        var count = 0
        while count < rounds, MonotonicClock().now < end, wrong.withLock({ $0 }) == nil {
            let number = (count + thread * 3) % requests.count
            count += 1
            do throws(Finding) {
                let answer = try subject.outputs(instances[thread], requests[number])
                guard answer != expected[number] else { continue }
                throw Finding("an answer given while others executed is not the one given alone")
            } catch {
                wrong.withLock { $0 = error.reason }
            }
        }
        return count
    }
    if let reason = wrong.withLock({ $0 }) { throw Finding(reason) }
    return done.reduce(0, +)
}
