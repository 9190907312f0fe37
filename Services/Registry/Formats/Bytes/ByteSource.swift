/// Bytes one after the other, from a range of a file, from memory or from a compressed stream.
protocol ByteSource: AnyObject {
    /// The next bytes: at most `count`, and none only at the end.
    func next(_ count: Int) throws -> [UInt8]

    /// Passes over bytes, unread where that is possible. Throws `truncated` when there are fewer.
    func skip(_ count: Int) throws
}

/// How many bytes may still be read; shared by everything that reads for one purpose.
final class ByteBudget {
    private(set) var left: Int
    private let outer: ByteBudget?

    init(_ count: Int, within outer: ByteBudget? = nil) {
        left = max(count, 0)
        self.outer = outer
    }

    /// Asks for up to `count` bytes and returns how many are granted: at least one, or it throws `limit`.
    func grant(_ count: Int) throws -> Int {
        let granted = min(count, left, outer?.left ?? left)
        guard granted > 0 || count == 0 else { throw FormatError(.limit, "more would have to be read than is allowed") }
        spend(granted)
        return granted
    }

    /// Takes back what was granted and not needed.
    func refund(_ count: Int) { spend(-count) }

    private func spend(_ count: Int) {
        left -= count
        outer?.spend(count)
    }
}

/// A range of one file of a model.
final class FileSource: ByteSource {
    private let files: any ModelFiles
    private let path: String
    private let budget: ByteBudget
    private var position: Int
    private let end: Int

    init(_ files: any ModelFiles, _ path: String, _ range: Range<Int>, budget: ByteBudget) {
        self.files = files
        self.path = path
        self.budget = budget
        position = range.lowerBound
        end = range.upperBound
    }

    func next(_ count: Int) throws -> [UInt8] {
        guard position < end, count > 0 else { return [] }
        let granted = try budget.grant(min(count, end - position))
        let bytes = try files.read(path, at: position, count: granted)
        guard bytes.count <= granted else {
            position += granted
            return Array(bytes.prefix(granted))
        }
        position += bytes.count
        return bytes
    }

    func skip(_ count: Int) throws {
        guard count <= end - position else { throw FormatError(.truncated, "the file ends too early") }
        position += count
    }
}

/// Bytes that are in memory already.
final class MemorySource: ByteSource {
    private var bytes: ArraySlice<UInt8>

    init(_ bytes: [UInt8]) { self.bytes = bytes[...] }

    func next(_ count: Int) -> [UInt8] {
        let taken = Array(bytes.prefix(count))
        bytes = bytes.dropFirst(taken.count)
        return taken
    }

    func skip(_ count: Int) throws {
        guard count <= bytes.count else { throw FormatError(.truncated, "the text ends too early") }
        bytes = bytes.dropFirst(count)
    }
}
