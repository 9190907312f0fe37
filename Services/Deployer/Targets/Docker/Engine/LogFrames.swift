/// What a container wrote, out of the frames that engines wrap it in: a byte for the stream, three zeros, four bytes of
/// length, and so many bytes. Each frame is what was written at once, with its time in front where that was asked for.
struct LogFrames {
    private var pending: [UInt8] = []
    /// What a frame may have: engines cut at 16 KiB.
    private static let limit = 1 << 20

    /// What a frame holds.
    struct Frame: Hashable {
        /// 1 for the usual output, 2 for errors.
        var stream: UInt8
        var bytes: [UInt8]
    }

    /// The frames that are complete now.
    /// - Throws: `EngineError` `.garbled`.
    mutating func add(_ bytes: ArraySlice<UInt8>) throws(EngineError) -> [Frame] {
        pending += bytes
        var frames: [Frame] = []
        var start = 0
        while pending.count - start >= 8 {
            let count = pending[(start + 4)..<(start + 8)].reduce(0) { $0 << 8 | Int($1) }
            guard pending[start] <= 3, pending[start + 1] == 0, pending[start + 2] == 0, pending[start + 3] == 0,
                count <= Self.limit
            else { throw EngineError(.garbled, "what came is not the frames of a container's log") }
            guard pending.count - start - 8 >= count else { break }
            frames.append(Frame(stream: pending[start], bytes: Array(pending[(start + 8)..<(start + 8 + count)])))
            start += 8 + count
        }
        pending.removeFirst(start)
        return frames
    }
}

/// Puts lines together out of frames that begin with a time: what is longer than a frame comes in several.
struct LogLines {
    private struct Open {
        var at: Int64
        var bytes: [UInt8]
    }
    private var open: [UInt8: Open] = [:]
    private static let limit = 64 << 10

    /// The lines that are complete now.
    mutating func add(_ frame: LogFrames.Frame) -> [ReplicaLogLine] {
        var lines: [ReplicaLogLine] = []
        var pieces = frame.bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        let isEnded = pieces.last?.isEmpty ?? true
        if isEnded { pieces = pieces.dropLast() }
        for (index, piece) in pieces.enumerated() {
            var content = piece
            var line = open.removeValue(forKey: frame.stream) ?? Open(at: lines.last?.at ?? 0, bytes: [])
            if let space = piece.firstIndex(of: UInt8(ascii: " ")), space - piece.startIndex <= 40,
                let time = EngineTime.nanoseconds(of: String(decoding: piece[..<space], as: UTF8.self))
            {
                content = piece[(space + 1)...]
                if line.bytes.isEmpty { line.at = time }
            }
            if line.bytes.count < Self.limit { line.bytes += content }
            if index < pieces.count - 1 || isEnded {
                lines.append(Self.line(line.at, line.bytes))
            } else {
                open[frame.stream] = line
            }
        }
        return lines
    }

    /// What stands without an end, when nothing more comes.
    mutating func finish() -> [ReplicaLogLine] {
        defer { open = [:] }
        return open.values.sorted { $0.at < $1.at }.map { Self.line($0.at, $0.bytes) }
    }

    private static func line(_ at: Int64, _ bytes: [UInt8]) -> ReplicaLogLine {
        let text = bytes.last == UInt8(ascii: "\r") ? bytes.dropLast() : bytes[...]
        return ReplicaLogLine(at: at, text: String(decoding: text.prefix(limit), as: UTF8.self))
    }
}
