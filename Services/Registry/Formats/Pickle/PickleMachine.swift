/// Follows the opcodes of one pickle as Python's unpickler would, with symbols in the place of values: it knows which
/// names would be imported, and makes none of the objects.
///
/// The rules are those of the real one, an error of theirs being an error here: where the two would part ways, a pickle
/// could show one content here and another to whoever loads it.
final class PickleMachine {
    enum Reading {
        /// As `pickle.load` reads.
        case plain
        /// As `joblib.load` reads: the bytes of an array follow its stand-in.
        case joblib
    }

    let cursor: ByteCursor
    let reading: Reading
    let limits: RecognitionLimits
    var findings: PickleFindings
    var stack: [PickleSymbol] = []
    /// Heights of the stack at which marks lie.
    var marks: [Int] = []
    var memo: [Int: PickleSymbol] = [:]
    /// Where the current frame ends.
    var frameEnd = 0

    /// How many texts its lists may still hold, all together.
    var textsLeft: Int

    /// Texts longer than this are no names.
    static let nameBytesMax = 1024

    init(_ cursor: ByteCursor, _ reading: Reading, limits: RecognitionLimits) {
        self.cursor = cursor
        self.reading = reading
        self.limits = limits
        findings = PickleFindings(limits: limits)
        textsLeft = limits.listCountMax
    }

    /// Follows one pickle up to its end and returns the symbol of what it makes.
    func run() throws -> PickleSymbol {
        while true {
            let start = cursor.offset
            let opcode = try cursor.byte()
            if opcode == UInt8(ascii: ".") { return try pop() }
            try step(opcode)
            if start < frameEnd, cursor.offset > frameEnd { try leaveFrame() }
        }
    }

    /// Python's unpicklers do not agree on what reaches over the end of a frame: one refuses it, and the one in C, when it
    /// reads from a file, loses what was left of the frame and so reads other names than those that are written. No
    /// library writes such a pickle.
    func leaveFrame() throws {
        findings.addUnresolved()
        throw cursor.failure(.malformed, "something reaches over the end of a frame")
    }

    // MARK: The stack

    func push(_ symbol: PickleSymbol) throws {
        guard stack.count < limits.pickleValuesMax else { throw cursor.failure(.limit, "too many values on the stack") }
        stack.append(symbol)
    }

    /// The lowest place that may be taken: a mark protects what is below it.
    var fence: Int { marks.last ?? 0 }

    func pop() throws -> PickleSymbol {
        guard stack.count > fence, let top = stack.popLast() else {
            throw cursor.failure(.malformed, "a value is taken from an empty stack")
        }
        return top
    }

    func top() throws -> PickleSymbol {
        guard stack.count > fence, let top = stack.last else {
            throw cursor.failure(.malformed, "a value is looked for on an empty stack")
        }
        return top
    }

    func replaceTop(_ symbol: PickleSymbol) throws {
        _ = try pop()
        stack.append(symbol)
    }

    func mark() throws {
        guard marks.count < limits.pickleValuesMax else { throw cursor.failure(.limit, "too many marks") }
        marks.append(stack.count)
    }

    /// Takes the last mark with everything above it.
    func popToMark() throws -> ArraySlice<PickleSymbol> {
        guard let height = marks.popLast(), height <= stack.count else {
            throw cursor.failure(.malformed, "there is no mark")
        }
        let items = Array(stack[height...])
        stack.removeSubrange(height...)
        return items[...]
    }

    // MARK: The memo

    func remember(_ key: Int) throws {
        let symbol = try top()
        guard memo.count < limits.pickleValuesMax || memo[key] != nil else {
            throw cursor.failure(.limit, "too many values in the memo")
        }
        memo[key] = symbol
    }

    func recall(_ key: Int) throws {
        guard let symbol = memo[key] else { throw cursor.failure(.malformed, "the memo has no value \(key)") }
        try push(symbol)
    }
}
