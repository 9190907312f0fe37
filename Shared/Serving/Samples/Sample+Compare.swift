import Protobuf

extension Sample {
    /// What an answer has that was not expected, in a sentence; nothing where all is well.
    func difference(from outputs: [Tensor]) -> String? {
        for wanted in expected {
            guard let found = outputs.first(where: { $0.name == wanted.name }) else {
                return "output '\(wanted.name)' is missing"
            }
            if let difference = difference(found, wanted) { return "output '\(wanted.name)' \(difference)" }
        }
        return nil
    }

    private func difference(_ found: Tensor, _ wanted: Tensor) -> String? {
        if found.datatype != wanted.datatype { return "is \(found.datatype.name), not \(wanted.datatype.name)" }
        if found.shape != wanted.shape {
            return "has shape \(Signature.said(found.shape)), not \(Signature.said(wanted.shape))"
        }
        if found.contents == wanted.contents { return nil }
        guard let size = found.datatype.elementBytes else { return "has other texts than expected" }
        for index in 0..<wanted.contents.count / size {
            guard let have = Element.number(found, index), let want = Element.number(wanted, index) else { continue }
            if have == want || (have.isNaN && want.isNaN) { continue }
            if (have - want).magnitude <= tolerance * max(1, want.magnitude) { continue }
            return "is \(have) at element \(index); expected is \(want), within \(tolerance)"
        }
        return nil
    }
}

extension Signature {
    /// Inputs that look like a model's: one row, sizes that are not said 1, zeros and empty texts.
    func madeUp() -> [Tensor] {
        inputs.filter { !$0.mayBeAbsent }.map { input in
            let shape = input.shape.map { $0 < 0 ? 1 : $0 }
            let count = shape.reduce(1) { $0.multipliedReportingOverflow(by: $1).partialValue }
            let contents = [UInt8](repeating: 0, count: max(0, count) * (input.datatype.elementBytes ?? 4))
            return Tensor(name: input.name, datatype: input.datatype, shape: shape, contents: contents[...])
        }
    }
}
