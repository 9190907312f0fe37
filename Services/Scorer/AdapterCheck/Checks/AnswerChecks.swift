import AdapterContracts
import Serving

/// What answers look like.
let answerChecks: [Check] = [
    Check(name: "answer", promise: "an answer has the outputs that are described, as they are described") {
        subject throws(Finding) in
        let model = try subject.model()
        let instance = try subject.instance(of: model)
        let inputs = try subject.inputs(for: model)
        let outputs = try subject.outputs(instance, inputs)
        for output in outputs {
            guard let described = model.description.outputs.first(where: { $0.name == output.name }),
                !described.shape.isEmpty
            else { continue }
            let fits =
                described.shape.count == output.shape.count
                && zip(described.shape, output.shape).allSatisfy { $0 == -1 || $0 == Int64($1) }
            guard fits else {
                throw Finding(
                    "output \"\(output.name)\" has shape \(output.shape), and its description says \(described.shape)")
            }
        }
        if model.description.batches, let rows = inputs.first?.shape.first {
            for output in outputs where output.shape.first != rows {
                throw Finding("output \"\(output.name)\" has shape \(output.shape) for a batch of \(rows)")
            }
        }
        let names = outputs.map { "\($0.name) \($0.datatype.name) \($0.shape)" }
        return .passed(names.joined(separator: ", "))
    },
    Check(name: "asked-outputs", promise: "each output may be asked for alone") { subject throws(Finding) in
        let model = try subject.model()
        let instance = try subject.instance(of: model)
        let inputs = try subject.inputs(for: model)
        let all = try subject.outputs(instance, inputs)
        for output in all {
            let alone = try subject.outputs(instance, inputs, outputs: [output.name])
            guard alone.contains(output) else { throw Finding("output \"\(output.name)\" asked for alone is another") }
        }
        return .passed("\(all.count)")
    },
    Check(name: "repeatable", promise: "the same request has the same answer to the last bit, written whole") {
        subject throws(Finding) in
        let library = try subject.library()
        let model = try subject.model()
        let instance = try subject.instance(of: model)
        let inputs = try subject.inputs(for: model)
        let first = try subject.outputs(instance, inputs)
        for filling: UInt8 in [0x00, 0xff, 0x5a] {
            library.fillOutputs(with: filling)
            let again = try subject.outputs(instance, inputs)
            for (one, other) in zip(first, again) where one != other {
                throw Finding("output \"\(one.name)\" is another the second time, or is not written whole")
            }
        }
        return .passed("")
    },
    Check(name: "alignment", promise: "inputs may lie at any address that its alignment allows") {
        subject throws(Finding) in
        let model = try subject.model()
        let instance = try subject.instance(of: model)
        let inputs = try subject.inputs(for: model)
        let expected = try subject.outputs(instance, inputs)
        for skip in 1...64 {
            let moved = inputs.map { input in
                var input = input
                let padded = [UInt8](repeating: 0, count: skip) + input.contents
                input.contents = padded[skip...]
                return input
            }
            guard try subject.outputs(instance, moved) == expected else {
                throw Finding("inputs at another address, \(skip) bytes on, have another answer")
            }
        }
        return .passed("")
    },
    Check(name: "metrics", promise: "figures and estimates can be read") { subject throws(Finding) in
        let library = try subject.library()
        let estimate = try finding("the estimate") { () throws(ServingError) in try library.estimate(subject.request) }
        let model = try subject.model()
        let metrics = try finding("the metrics") { () throws(ServingError) in try model.metrics() }
        for metric in metrics {
            let isName = metric.name.utf8.allSatisfy { (97...122).contains($0) || (48...57).contains($0) || $0 == 95 }
            guard isName, !metric.name.isEmpty else { throw Finding("\"\(metric.name)\" is no name of a metric") }
        }
        let size = estimate.loadedBytes > 0 ? "\(estimate.loadedBytes >> 10) KiB when loaded" : "no estimate"
        return .passed("\(metrics.count) metrics, \(size)")
    },
]
