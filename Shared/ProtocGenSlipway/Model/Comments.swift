internal import Protobuf

/// The comments of a proto file, found by the path of what they stand at.
struct Comments {
    private var texts: [[Int32]: String] = [:]

    /// No comments at all.
    init() {}

    init(_ file: FileProto) {
        for location in file.sourceCodeInfo?.location ?? [] {
            let text = location.leadingComments ?? location.trailingComments ?? ""
            if !text.isEmpty { texts[location.path] = text }
        }
    }

    /// The comment as lines of a doc comment, without slashes.
    func lines(at path: [Int32]) -> [String] {
        guard let text = texts[path] else { return [] }
        var lines = text.split(separator: "\n", omittingEmptySubsequences: false).map { line in
            var line = line.hasPrefix(" ") ? line.dropFirst() : line
            while line.last?.isWhitespace == true { line.removeLast() }
            return String(line)
        }
        while lines.first?.isEmpty == true { lines.removeFirst() }
        while lines.last?.isEmpty == true { lines.removeLast() }
        return lines
    }
}
