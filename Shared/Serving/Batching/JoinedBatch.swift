import Protobuf

/// Requests joined along the first dimension, and their answers taken apart.
enum JoinedBatch {
    /// What makes requests fit together: which inputs they give, their datatypes, the sizes of their further dimensions,
    /// and the outputs they want. Of a request that looks as most do, only the outputs.
    struct Key: Hashable, Sendable {
        var datatypes: [Datatype] = []
        var shapes: [Int] = []
        var names: [String] = []
        /// Of a request that is not to be joined: a number that no other has.
        var alone = 0
    }

    static func key(_ inputs: [Tensor], outputs: [String], isUniform: Bool) -> Key {
        if isUniform { return Key(names: outputs) }
        var key = Key()
        for input in inputs {
            key.names.append(input.name)
            key.datatypes.append(input.datatype)
            key.shapes.append(input.shape.count)
            key.shapes += input.shape.dropFirst()
        }
        // No input is called so: the model's names end here.
        key.names.append("")
        key.names += outputs
        return key
    }

    /// - Parameter requests: of equal keys.
    static func join(_ requests: [[Tensor]]) -> [Tensor] {
        guard let first = requests.first, requests.count > 1 else { return requests.first ?? [] }
        return first.indices.map { index in
            var joined = first[index]
            var contents: [UInt8] = []
            contents.reserveCapacity(requests.reduce(0) { $0 + $1[index].contents.count })
            var rows = 0
            for request in requests {
                contents.append(contentsOf: request[index].contents)
                rows += request[index].shape.first ?? 0
            }
            if !joined.shape.isEmpty { joined.shape[0] = rows }
            joined.contents = contents[...]
            return joined
        }
    }

    /// Each request's part of the outputs: windows, nothing is copied.
    /// - Throws: `modelFailed` where an output has not as many rows as went in.
    static func split(_ outputs: [Tensor], rows: [Int]) throws(ServingError) -> [[Tensor]] {
        let total = rows.reduce(0, +)
        var parts = rows.map { _ in [Tensor]() }
        for output in outputs {
            guard output.shape.first == total else {
                throw ServingError(
                    .modelFailed,
                    "output '\(output.name)' has shape \(Signature.said(output.shape)) for \(total) rows of input")
            }
            let ends = try boundaries(of: output, rows: rows, total: total)
            var start = output.contents.startIndex
            for (index, count) in rows.enumerated() {
                var part = output
                part.shape[0] = count
                part.contents = output.contents[start..<ends[index]]
                start = ends[index]
                parts[index].append(part)
            }
        }
        return parts
    }

    private static func boundaries(of output: Tensor, rows: [Int], total: Int) throws(ServingError) -> [Int] {
        let elements = output.shape.dropFirst().reduce(1) { $0.multipliedReportingOverflow(by: $1).partialValue }
        var ends: [Int] = []
        if let size = output.datatype.elementBytes {
            guard total * elements * size == output.contents.count else {
                throw ServingError(
                    .faulty, "output '\(output.name)' has \(output.contents.count) bytes, which is not its shape")
            }
            var end = output.contents.startIndex
            for count in rows {
                end += count * elements * size
                ends.append(end)
            }
            return ends
        }
        let isWhole = output.contents.withUnsafeBufferPointer { buffer in
            var offset = 0
            for count in rows {
                for _ in 0..<count * elements {
                    guard case .success(let end) = TextElements.next(in: buffer, at: offset) else { return false }
                    offset = end
                }
                ends.append(output.contents.startIndex + offset)
            }
            return offset == buffer.count
        }
        guard isWhole else { throw ServingError(.faulty, "output '\(output.name)' is not framed as BYTES are") }
        return ends
    }
}
