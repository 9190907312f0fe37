/// A path below the folder for files of events.
struct EventFilePath: Sendable, Hashable {
    let root: String
    /// The folders below it, and the file.
    let words: [String]

    /// - Throws: `DestinationError` where it leads, or could lead, out of the folder.
    init(_ path: String, below root: String?) throws(DestinationError) {
        func refused(_ message: String, _ reason: DestinationError.Reason = .invalid) -> DestinationError {
            DestinationError(reason, field: "file.path", message)
        }
        guard let root else { throw refused("the settings name no folder for files of events", .forbidden) }
        guard !path.isEmpty, path.utf8.count <= 512 else { throw refused("is empty, or longer than 512 bytes") }
        guard !path.hasPrefix("/") else { throw refused("is not below the folder for files of events") }
        let words = path.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
        for word in words {
            guard !word.isEmpty, word != ".", word != "..", word.utf8.count <= 128 else {
                throw refused("has a part that is empty, '.', '..' or longer than 128 bytes")
            }
            guard word.utf8.allSatisfy(EventFilePath.isPlain), !word.hasPrefix(".") else {
                throw refused("has a part with other than letters, digits, '.', '_' and '-', or that begins with '.'")
            }
        }
        guard words.count <= 8 else { throw refused("is more than 8 folders deep") }
        self.root = root
        self.words = words
    }

    private static func isPlain(_ byte: UInt8) -> Bool {
        (0x61...0x7a).contains(byte | 0x20) || (0x30...0x39).contains(byte) || "._-".utf8.contains(byte)
    }
}
