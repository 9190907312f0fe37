import AdapterContracts
import Serving

/// Requests that do not fit the model.
let requestChecks: [Check] = [
    Check(name: "wrong-datatype", promise: "an input of another datatype is refused, or converted number by number") {
        subject throws(Finding) in
        let model = try subject.model()
        guard model.description.interface == .tensors else { return .skipped("the model takes documents") }
        let instance = try subject.instance(of: model)
        let inputs = try subject.inputs(for: model)
        var converted = 0
        for place in inputs.indices {
            let (name, datatype, shape) = (inputs[place].name, inputs[place].datatype, inputs[place].shape)
            // Of the same size where there is one, so that nothing but the datatype gives it away; and one that no
            // number can be.
            for other in [datatype == .fp32 ? Datatype.int32 : .fp32, datatype == .bytes ? .int64 : .bytes] {
                var wrong = inputs
                wrong[place] = InputMaker.zerosAndOnes(name, other, shape)
                let answer = try subject.answer(instance, wrong)
                if case .failure(let error) = answer {
                    guard error.kind != .invalidInput else { continue }
                    throw Finding("it refuses \"\(name)\" as \(other.name), and not with INVALID_ARGUMENT: \(error)")
                }
                var right = inputs
                right[place] = InputMaker.zerosAndOnes(name, datatype, shape)
                guard datatype != .bytes, other != .bytes, answer == (try subject.answer(instance, right)) else {
                    throw Finding("it answers \"\(name)\" as \(other.name), and not as the same in \(datatype.name)")
                }
                converted += 1
            }
        }
        _ = try subject.outputs(instance, inputs)
        return .passed(converted == 0 ? "refused" : "\(converted) converted")
    },
    Check(name: "also-takes", promise: "an input of a datatype that it says it converts is answered as in its own") {
        subject throws(Finding) in
        let model = try subject.model()
        guard model.description.interface == .tensors else { return .skipped("the model takes documents") }
        let instance = try subject.instance(of: model)
        let inputs = try subject.inputs(for: model)
        var converted = 0
        for described in model.description.inputs where !described.alsoTakes.isEmpty {
            guard let place = inputs.firstIndex(where: { $0.name == described.name }) else { continue }
            let (name, own, shape) = (described.name, inputs[place].datatype, inputs[place].shape)
            var plain = inputs
            plain[place] = InputMaker.zerosAndOnes(name, own, shape)
            let wanted = try subject.outputs(instance, plain)
            for (index, said) in described.alsoTakes.enumerated() {
                guard let other = Datatype(rawValue: said.rawValue), other != own,
                    !described.alsoTakes[..<index].contains(said)
                else { throw Finding("\"\(name)\" also takes \(said), it says: no other datatype, or listed twice") }
                plain[place] = InputMaker.zerosAndOnes(name, other, shape)
                switch try subject.answer(instance, plain) {
                case .success(wanted): converted += 1
                case .success:
                    throw Finding("it answers \"\(name)\" as \(other.name), and not as the same in \(own.name)")
                case .failure(let error):
                    throw Finding("\"\(name)\" also takes \(other.name), it says, and refuses it: \(error.message)")
                }
            }
        }
        return converted == 0
            ? .skipped("it says of no input that it takes another") : .passed("\(converted) converted")
    },
    Check(name: "wrong-rank", promise: "an input with a dimension too many or too few is refused") {
        subject throws(Finding) in
        try refusing(subject) { inputs in
            inputs.indices.flatMap { place -> [(String, [Tensor])] in
                let shape = inputs[place].shape
                guard subject.describesShape(of: inputs[place].name) else { return [] }
                var more = inputs
                more[place].shape = shape + [1]
                var less = inputs
                var maker = InputMaker(seed: 8)
                less[place] = maker.make(inputs[place].name, inputs[place].datatype, Array(shape.dropLast()))
                return [("shape \(more[place].shape) for \(shape)", more)]
                    + (shape.isEmpty ? [] : [("shape \(less[place].shape) for \(shape)", less)])
            }
        }
    },
    Check(name: "wrong-shape", promise: "an input whose fixed dimensions are others is refused") {
        subject throws(Finding) in
        try refusing(subject) { inputs in
            inputs.indices.flatMap { place -> [(String, [Tensor])] in
                let fixed = subject.fixedDimensions(of: inputs[place].name)
                return fixed.flatMap { dimension in
                    [-1, 1].compactMap { difference -> (String, [Tensor])? in
                        var shape = inputs[place].shape
                        guard dimension < shape.count else { return nil }
                        shape[dimension] += difference
                        var wrong = inputs
                        var maker = InputMaker(seed: 9)
                        wrong[place] = maker.make(inputs[place].name, inputs[place].datatype, shape)
                        return ("shape \(shape) for \(inputs[place].shape)", wrong)
                    }
                }
            }
        }
    },
    Check(name: "missing-input", promise: "a request without an input is refused") { subject throws(Finding) in
        try refusing(subject) { inputs in
            inputs.indices.map { place in
                var wrong = inputs
                let name = wrong.remove(at: place).name
                return ("a request without \"\(name)\"", wrong)
            }
        }
    },
    Check(name: "extra-input", promise: "a request with an input that the model does not have is refused") {
        subject throws(Finding) in
        try refusing(subject) { inputs in
            guard var extra = inputs.first else { return [] }
            extra.name = "no_such_input"
            return [("a request with an input \"no_such_input\" besides", inputs + [extra])]
        }
    },
    Check(name: "twice-input", promise: "a request that gives an input twice is refused") { subject throws(Finding) in
        try refusing(subject) { inputs in
            guard let first = inputs.first else { return [] }
            return [("a request that gives \"\(first.name)\" twice", inputs + [first])]
        }
    },
]

/// Has the model refuse requests made from a good one, and answer the good one after each.
private func refusing(
    _ subject: Subject, _ wrong: ([Tensor]) -> [(what: String, inputs: [Tensor])]
) throws(Finding) -> Outcome {
    let model = try subject.model()
    guard model.description.interface == .tensors else { return .skipped("the model takes documents") }
    let instance = try subject.instance(of: model)
    let inputs = try subject.inputs(for: model)
    subject.described = model.description.inputs
    _ = try subject.outputs(instance, inputs)
    let cases = wrong(inputs)
    for (what, inputs) in cases {
        switch try subject.answer(instance, inputs) {
        case .success: throw Finding("it answers \(what)")
        case .failure(let error):
            guard error.kind == .invalidInput else {
                throw Finding("it refuses \(what), and not with INVALID_ARGUMENT: \(error.message)")
            }
        }
    }
    _ = try subject.outputs(instance, inputs)
    return cases.isEmpty ? .skipped("the model leaves that open") : .passed("\(cases.count) requests")
}

extension Subject {
    func describesShape(of name: String) -> Bool {
        described.contains { $0.name == name && !$0.shape.isEmpty }
    }

    /// Places of the dimensions that have one size.
    func fixedDimensions(of name: String) -> [Int] {
        guard let shape = described.first(where: { $0.name == name })?.shape else { return [] }
        return shape.indices.filter { shape[$0] >= 0 }
    }
}
