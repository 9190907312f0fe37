import Protobuf
import Serving

/// The elements of a tensor as JSON gives them, and how its lists were nested.
struct TensorText {
    var contents: Bytes
    /// The lengths of the lists, from the outermost; empty for a single element.
    var extents: [Int]
    /// How many elements there are.
    var count: Int
}

extension JSONCursor {
    /// Reads numbers, flat or in nested lists of even lengths, into the form in which a model takes them.
    mutating func tensor(_ datatype: Datatype) throws(JSONProblem) -> TensorText {
        switch datatype {
        case .bool: try elements(Bool.self)
        case .uint8: try elements(UInt8.self)
        case .uint16: try elements(UInt16.self)
        case .uint32: try elements(UInt32.self)
        case .uint64: try elements(UInt64.self)
        case .int8: try elements(Int8.self)
        case .int16: try elements(Int16.self)
        case .int32: try elements(Int32.self)
        case .int64: try elements(Int64.self)
        case .fp16: try elements(Float16.self)
        case .fp32: try elements(Float.self)
        case .fp64: try elements(Double.self)
        case .bf16: try elements(BrainFloat.self)
        case .bytes:
            try nested { cursor, sink throws(JSONProblem) in
                var text: [UInt8] = []
                try cursor.string(into: &text)
                guard let length = UInt32(exactly: text.count) else { throw cursor.problem("the text is too long") }
                sink.append(length)
                sink.append(text)
            }
        }
    }

    private mutating func elements<Element: ElementText>(_ type: Element.Type) throws(JSONProblem) -> TensorText {
        try nested { cursor, sink throws(JSONProblem) in sink.append(try Element.read(&cursor)) }
    }

    @inline(__always)
    private mutating func nested(
        _ element: (inout JSONCursor, inout ByteSink) throws(JSONProblem) -> Void
    ) throws(JSONProblem) -> TensorText {
        var sink = ByteSink(capacity: min(end - position, 1 << 20))
        var nest = Nest()
        if peek() == UInt8(ascii: "[") {
            try level(0, &nest, &sink, element)
        } else {
            try element(&self, &sink)
            nest.count = 1
        }
        return TensorText(contents: sink.bytes, extents: nest.extents, count: nest.count)
    }

    /// How lists are nested so far.
    private struct Nest {
        var extents: [Int] = []
        /// The level whose lists hold elements, as soon as one was met.
        var leaf = -1
        var count = 0
    }

    /// Reads one list of the level.
    private mutating func level(
        _ level: Int, _ nest: inout Nest, _ sink: inout ByteSink,
        _ element: (inout JSONCursor, inout ByteSink) throws(JSONProblem) -> Void
    ) throws(JSONProblem) {
        let opening = position
        position += 1
        try descend()
        if nest.extents.count == level { nest.extents.append(-1) }
        var length = 0
        if !take(UInt8(ascii: "]")) {
            while true {
                if peek() == UInt8(ascii: "[") {
                    guard nest.leaf != level else { throw problem("a list among elements: lists are nested unevenly") }
                    try self.level(level + 1, &nest, &sink, element)
                } else {
                    if nest.leaf != level { try beginLeaf(level, &nest) }
                    try element(&self, &sink)
                    nest.count &+= 1
                }
                length &+= 1
                // Most often the comma follows at once.
                if position < end, position.pointee == UInt8(ascii: ",") {
                    position += 1
                } else if !take(UInt8(ascii: ",")) {
                    break
                }
            }
            try expect(UInt8(ascii: "]"), "',' or ']'")
        }
        ascend()
        if nest.extents[level] < 0 { nest.extents[level] = length }
        guard nest.extents[level] == length else {
            throw problem(
                "this list has \(length) entries where others of its level have \(nest.extents[level])", at: opening)
        }
    }

    private func beginLeaf(_ level: Int, _ nest: inout Nest) throws(JSONProblem) {
        guard nest.leaf < 0, nest.extents.count == level + 1 else {
            throw problem("an element where others of its level are lists: lists are nested unevenly")
        }
        nest.leaf = level
    }
}
