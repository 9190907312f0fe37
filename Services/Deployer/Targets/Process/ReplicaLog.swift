internal import Glibc

/// A replica's log as its supervisor writes it: `log`, and before it `log.1`.
struct ReplicaLog {
    let folder: String

    init(_ folder: String) { self.folder = folder }

    /// Where a reader stands.
    struct Position {
        fileprivate var file: OpenFile
        fileprivate var offset: Int64
        /// The start of a line whose end has not come.
        fileprivate var rest: [UInt8] = []
    }

    /// The last lines, and where to go on; no position where there is no log yet.
    func last(_ count: Int) -> (lines: [ReplicaLogLine], position: Position?) {
        guard let file = try? OpenFile("\(folder)/log", O_RDONLY) else { return ([], nil) }
        var position = Position(file: file, offset: 0)
        var lines = Self.lastLines(of: file, count, &position)
        if lines.count < count, let older = try? OpenFile("\(folder)/log.1", O_RDONLY),
            Self.number(of: older) != Self.number(of: file)
        {
            var ignored = Position(file: older, offset: 0)
            lines = Self.lastLines(of: older, count - lines.count, &ignored) + lines
        }
        return (lines, position)
    }

    /// What came since, in order. The position is moved on.
    func more(_ position: inout Position?) -> [ReplicaLogLine] {
        guard var current = position else {
            guard let file = try? OpenFile("\(folder)/log", O_RDONLY) else { return [] }
            position = Position(file: file, offset: 0)
            return more(&position)
        }
        // Looked up before the rest is read: what is in the old file then, is all that will ever be.
        let newest = try? OpenFile("\(folder)/log", O_RDONLY)
        var lines = Self.read(&current)
        if let newest, Self.number(of: newest) != Self.number(of: current.file) {
            current = Position(file: newest, offset: 0)
            lines += Self.read(&current)
        }
        position = current
        return lines
    }

    private static func read(_ position: inout Position) -> [ReplicaLogLine] {
        var bytes = position.rest
        while let more = try? position.file.read(at: position.offset, atMost: 256 << 10), !more.isEmpty {
            position.offset += Int64(more.count)
            bytes += more
        }
        let end = bytes.lastIndex(of: 0x0a).map { $0 + 1 } ?? 0
        position.rest = Array(bytes[end...])
        return bytes[..<end].split(separator: 0x0a).map(line)
    }

    /// Reads from the end in pieces that grow, since most logs are longer than what is asked for.
    private static func lastLines(of file: OpenFile, _ count: Int, _ position: inout Position) -> [ReplicaLogLine] {
        let size = file.size
        position.offset = size
        guard count > 0 else { return [] }
        var piece: Int64 = 64 << 10
        while true {
            let start = max(0, size - piece)
            guard var bytes = try? file.read(at: start, atMost: Int(size - start))[...] else { return [] }
            if start > 0 { bytes = bytes.drop { $0 != 0x0a }.dropFirst() }
            let end = bytes.lastIndex(of: 0x0a).map { $0 + 1 } ?? bytes.startIndex
            let lines = bytes[..<end].split(separator: 0x0a)
            if lines.count >= count || start == 0 {
                position.rest = Array(bytes[end...])
                return lines.suffix(count).map(line)
            }
            piece *= 4
        }
    }

    /// `NANOSECONDS TEXT`.
    private static func line(_ bytes: ArraySlice<UInt8>) -> ReplicaLogLine {
        let parts = bytes.split(separator: 0x20, maxSplits: 1, omittingEmptySubsequences: false)
        let at = parts.first.flatMap { Int64(String(decoding: $0, as: UTF8.self)) }
        guard let at, parts.count == 2 else {
            return ReplicaLogLine(at: 0, text: String(decoding: bytes, as: UTF8.self))
        }
        return ReplicaLogLine(at: at, text: String(decoding: parts[1], as: UTF8.self))
    }

    private static func number(of file: OpenFile) -> UInt64 {
        var status = stat()
        return fstat(file.descriptor, &status) == 0 ? UInt64(status.st_ino) : 0
    }
}
