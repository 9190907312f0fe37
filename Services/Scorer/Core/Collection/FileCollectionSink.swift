import Glibc
import Loop
import Serving

/// Writes collected rows as lines of JSON into files by model, version, what they are, and day:
///
///     FOLDER/modeldata/{workspace}/{service}/{model}/{version}/{inputs|predictions}/{yyyy}/{mm}/{dd}/{time}-{process}-{n}.jsonl
///
/// A file is only ever appended to, and followed by another when it is large enough or its day is over.
public final class FileCollectionSink: CollectionSink {
    private struct OpenFile {
        var descriptor: Int32
        var folder: String
        var size: Int
    }
    private struct State {
        /// By model, version and designation.
        var files: [String: OpenFile] = [:]
        var number = 0
    }

    /// Files that are open at once; the others are followed by new ones when they are needed again.
    private static let openMax = 64

    private let root: String
    private let fileSize: Int
    private let elementsMax: Int
    private let state = Lock(State())

    public init(_ settings: CollectionSettings) {
        root =
            "\(settings.folder)/modeldata/\(FileCollectionSink.safe(settings.workspace))/"
            + FileCollectionSink.safe(settings.service)
        fileSize = max(1, settings.fileSize.bytes)
        elementsMax = settings.elements
    }

    public func write(_ rows: [CollectedRow]) throws {
        try state.withLock { state in
            var pending: [String: (row: CollectedRow, bytes: [UInt8])] = [:]
            for row in rows {
                let place = "\(FileCollectionSink.safe(row.model))/\(row.version)"
                for designation in ["inputs", "predictions"] {
                    let line = CollectedRowText.line(row, designation: designation, elementsMax: elementsMax)
                    let key = "\(place)/\(designation)"
                    pending[key, default: (row, [])].bytes += line
                    if pending[key]?.bytes.count ?? 0 >= min(fileSize, 1 << 20),
                        let part = pending.removeValue(forKey: key)
                    {
                        try append(part.bytes, key, part.row.time, &state)
                    }
                }
            }
            for (key, part) in pending { try append(part.bytes, key, part.row.time, &state) }
        }
    }

    public func close() throws {
        try state.withLock { state in
            for key in Array(state.files.keys) { try finish(key, &state) }
        }
    }

    /// Closes the file of a key. A write that the system had put off may fail only now.
    private func finish(_ key: String, _ state: inout State) throws {
        guard let file = state.files.removeValue(forKey: key) else { return }
        guard Glibc.close(file.descriptor) == 0 else { throw CollectionFailure(file.folder, "can't be written") }
    }

    private func append(_ bytes: [UInt8], _ key: String, _ time: WallTime, _ state: inout State) throws {
        let (year, month, day) = time.day
        let folder =
            "\(root)/\(key)/\(WallTime.padded(year, 4))/\(WallTime.padded(month, 2))/\(WallTime.padded(day, 2))"
        if let file = state.files[key], file.folder != folder || file.size >= fileSize { try finish(key, &state) }
        if state.files[key] == nil {
            while state.files.count >= FileCollectionSink.openMax, let other = state.files.keys.first {
                try finish(other, &state)
            }
            state.files[key] = try open(in: folder, time, &state)
        }
        guard var file = state.files[key] else { return }
        var written = 0
        while written < bytes.count {
            let count = bytes[written...].withUnsafeBytes { Glibc.write(file.descriptor, $0.baseAddress, $0.count) }
            guard count > 0 || errno == EINTR else {
                let failure = CollectionFailure(file.folder, "can't be written")
                // Half a line at its end: the next rows begin a file of their own.
                try finish(key, &state)
                throw failure
            }
            written += max(0, count)
        }
        file.size += bytes.count
        state.files[key] = file
    }

    private func open(in folder: String, _ time: WallTime, _ state: inout State) throws -> OpenFile {
        try FileCollectionSink.makeFolder(folder)
        while true {
            state.number += 1
            let clock = time.text.dropFirst(11).prefix(8).filter { $0 != ":" }
            let path = "\(folder)/\(clock)-\(getpid())-\(state.number).jsonl"
            let descriptor = Glibc.open(path, O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0o640)
            if descriptor >= 0 { return OpenFile(descriptor: descriptor, folder: folder, size: 0) }
            guard errno == EEXIST else { throw CollectionFailure(path, "can't be made") }
        }
    }

    private static func makeFolder(_ path: String) throws {
        var made = path.hasPrefix("/") ? "" : "."
        for part in path.split(separator: "/") {
            made += "/\(part)"
            if mkdir(made, 0o750) != 0, errno != EEXIST { throw CollectionFailure(made, "can't be made") }
        }
    }

    /// A name as one part of a path: whatever could lead elsewhere is written as `%` and two digits.
    static func safe(_ name: String) -> String {
        let isDots = name.utf8.allSatisfy { $0 == UInt8(ascii: ".") }
        var safe = ""
        for byte in name.utf8 {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"):
                safe.unicodeScalars.append(UnicodeScalar(byte))
            case UInt8(ascii: ".") where !isDots: safe += "."
            default: safe += "%" + (byte < 16 ? "0" : "") + String(byte, radix: 16, uppercase: true)
            }
        }
        return safe.isEmpty ? "%" : safe
    }
}

/// Why collected rows could not be kept.
public struct CollectionFailure: Error, CustomStringConvertible {
    public let description: String

    init(_ path: String, _ what: String) { description = "\(path) \(what): \(String(cString: strerror(errno)))" }
}
