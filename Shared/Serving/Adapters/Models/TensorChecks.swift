extension Tensor {
    /// Checks what adapters count on: that the contents are exactly what datatype and shape ask for.
    ///
    /// - Throws: `invalidInput`, saying what is there and what would be right.
    public func checkContents() throws(ServingError) {
        guard let elements = Tensor.elementCount(shape) else {
            throw ServingError(
                .invalidInput, "tensor \"\(name)\": the shape \(shape) has a negative dimension, or too many elements")
        }
        if let problem = Tensor.problem(datatype, elements: elements, contents: contents) {
            throw ServingError(.invalidInput, "tensor \"\(name)\" of shape \(shape): \(problem)")
        }
    }

    /// How many elements a shape has; nothing where a dimension is negative or the product too large.
    public static func elementCount(_ shape: [Int]) -> Int? {
        var count = 1
        for dimension in shape {
            let (product, overflow) = count.multipliedReportingOverflow(by: dimension)
            guard dimension >= 0, !overflow else { return nil }
            count = product
        }
        return count
    }

    /// What is wrong with contents; nothing where they fit.
    static func problem(_ datatype: Datatype, elements: Int, contents: ArraySlice<UInt8>) -> String? {
        if let width = datatype.elementBytes {
            let (size, overflow) = elements.multipliedReportingOverflow(by: width)
            guard !overflow, size == contents.count else {
                let expected = overflow ? "more than can be" : "\(size)"
                return
                    "\(elements) elements of \(datatype.name) take \(expected) bytes, and \(contents.count) are there"
            }
            return nil
        }
        return contents.withUnsafeBytes { contents in
            var offset = 0
            var found = 0
            while offset < contents.count {
                guard contents.count - offset >= 4 else {
                    return "element \(found) begins at byte \(offset) with less than the 4 bytes of its length"
                }
                let length = Int(UInt32(littleEndian: contents.loadUnaligned(fromByteOffset: offset, as: UInt32.self)))
                guard length <= contents.count - offset - 4 else {
                    return "element \(found) at byte \(offset) says it has \(length) bytes, and "
                        + "\(contents.count - offset - 4) are left"
                }
                offset += 4 + length
                found += 1
            }
            return found == elements ? nil : "it has \(found) elements, and its shape says \(elements)"
        }
    }
}
