import Protobuf

extension Signature {
    /// Checks a request's tensors and puts them in the model's order.
    /// - Returns: how many rows and how large it is.
    /// - Throws: `invalidInput` that says what is wrong with which tensor, and what would be right.
    func check(_ tensors: inout [Tensor], outputs wanted: [String]) throws(ServingError) -> Weight {
        for name in wanted where !outputs.isEmpty && !outputs.contains(where: { $0.name == name }) {
            throw ServingError(
                .invalidInput, "output '\(name)' does not exist; the model gives \(Signature.names(outputs))")
        }
        if inputs.isEmpty {
            for tensor in tensors { try Signature.checkContents(tensor) }
            return weight(of: tensors, rows: 1)
        }
        if !isInOrder(tensors) { try arrange(&tensors) }
        var rows: Int?
        var expected = 0
        for tensor in tensors {
            while inputs[expected].name != tensor.name { expected += 1 }
            let specification = inputs[expected]
            try Signature.check(tensor, against: specification)
            if batches, let first = tensor.shape.first {
                if let rows, rows != first {
                    throw ServingError(
                        .invalidInput,
                        "input '\(tensor.name)' has \(first) rows and input '\(tensors[0].name)' has \(rows); "
                            + "all inputs have the same first dimension")
                }
                rows = first
            }
        }
        let count = rows ?? 1
        guard !batches || largestBatch == 0 || count <= largestBatch else {
            throw ServingError(
                .invalidInput, "a batch of \(count) rows is too large; the model takes at most \(largestBatch)")
        }
        return weight(of: tensors, rows: count)
    }

    private func isInOrder(_ tensors: [Tensor]) -> Bool {
        guard tensors.count == inputs.count else { return false }
        for index in inputs.indices where inputs[index].name != tensors[index].name { return false }
        return true
    }

    private func arrange(_ tensors: inout [Tensor]) throws(ServingError) {
        var places = [Int?](repeating: nil, count: inputs.count)
        for (index, tensor) in tensors.enumerated() {
            guard let place = inputs.firstIndex(where: { $0.name == tensor.name }) else {
                throw ServingError(
                    .invalidInput,
                    "input '\(tensor.name)' does not exist; the model takes \(Signature.names(inputs))")
            }
            guard places[place] == nil else {
                throw ServingError(.invalidInput, "input '\(tensor.name)' is there twice")
            }
            places[place] = index
        }
        for (place, input) in inputs.enumerated() where places[place] == nil && !input.mayBeAbsent {
            throw ServingError(.invalidInput, "input '\(input.name)' is missing; it is \(Signature.said(input))")
        }
        let old = tensors
        tensors = places.compactMap { $0 }.map { old[$0] }
    }

    private static func check(_ tensor: Tensor, against specification: TensorSpecification) throws(ServingError) {
        guard specification.takes(tensor.datatype) else {
            let others = specification.alsoTakes.map(\.name).joined(separator: ", ")
            throw ServingError(
                .invalidInput,
                "input '\(tensor.name)' is \(tensor.datatype.name); the model takes \(specification.datatype.name)"
                    + (others.isEmpty ? "" : " and converts \(others)"))
        }
        // A specification without dimensions is a scalar, or a model that does not say: it decides for itself.
        if !specification.shape.isEmpty {
            var fits = tensor.shape.count == specification.shape.count
            if fits {
                for index in tensor.shape.indices {
                    let wanted = specification.shape[index]
                    if wanted >= 0, wanted != tensor.shape[index] { fits = false }
                }
            }
            guard fits else {
                throw ServingError(
                    .invalidInput,
                    "input '\(tensor.name)' has shape \(said(tensor.shape)); the model takes "
                        + said(specification.shape))
            }
        }
        try checkContents(tensor)
    }

    /// Whether contents and shape go together.
    static func checkContents(_ tensor: Tensor) throws(ServingError) {
        var count = 1
        for dimension in tensor.shape {
            let (product, overflow) = count.multipliedReportingOverflow(by: dimension)
            guard dimension >= 0, !overflow else {
                throw ServingError(
                    .invalidInput, "input '\(tensor.name)' has the impossible shape \(said(tensor.shape))")
            }
            count = product
        }
        guard let size = tensor.datatype.elementBytes else { return try checkTexts(tensor, count) }
        let (bytes, overflow) = count.multipliedReportingOverflow(by: size)
        guard !overflow, bytes == tensor.contents.count else {
            throw ServingError(
                .invalidInput,
                "input '\(tensor.name)' has \(tensor.contents.count) bytes; shape \(said(tensor.shape)) of "
                    + "\(tensor.datatype.name) takes \(overflow ? "more than there are" : "\(bytes)")")
        }
    }

    private static func checkTexts(_ tensor: Tensor, _ count: Int) throws(ServingError) {
        let found = tensor.contents.withUnsafeBufferPointer { TextElements.count(in: $0) }
        switch found {
        case .success(count): return
        case .success(let other):
            throw ServingError(
                .invalidInput,
                "input '\(tensor.name)' has \(other) elements of BYTES; shape \(said(tensor.shape)) takes \(count)")
        case .failure(let fault):
            throw ServingError(
                .invalidInput,
                "input '\(tensor.name)': the element of BYTES at offset \(fault.offset) is \(fault.length) bytes "
                    + "long, and \(fault.left) are left")
        }
    }

    static func said(_ shape: [Int]) -> String { "[\(shape.map(String.init).joined(separator: ","))]" }

    private static func said(_ input: TensorSpecification) -> String {
        "\(input.datatype.name) \(said(input.shape))"
    }

    private static func names(_ tensors: [TensorSpecification]) -> String {
        tensors.map { "'\($0.name)' (\(said($0)))" }.joined(separator: ", ")
    }
}

/// Elements of datatype BYTES: each behind its length as a little-endian 32-bit number.
enum TextElements {
    struct Fault: Error, Equatable {
        var offset: Int
        var length: Int
        var left: Int
    }

    static func count(in buffer: UnsafeBufferPointer<UInt8>) -> Result<Int, Fault> {
        var offset = 0
        var count = 0
        while offset < buffer.count {
            switch next(in: buffer, at: offset) {
            case .success(let end): offset = end
            case .failure(let fault): return .failure(fault)
            }
            count += 1
        }
        return .success(count)
    }

    /// Where the element that begins at `offset` ends.
    static func next(in buffer: UnsafeBufferPointer<UInt8>, at offset: Int) -> Result<Int, Fault> {
        let left = buffer.count - offset - 4
        guard left >= 0 else { return .failure(Fault(offset: offset, length: 4, left: left + 4)) }
        let length =
            Int(buffer[offset]) | Int(buffer[offset + 1]) << 8 | Int(buffer[offset + 2]) << 16
            | Int(buffer[offset + 3]) << 24
        guard length <= left else { return .failure(Fault(offset: offset, length: length, left: left)) }
        return .success(offset + 4 + length)
    }
}
