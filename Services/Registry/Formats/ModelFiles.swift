/// A read-only view of the files of one model, wherever their bytes lie.
///
/// Recognition reads ranges and never a whole file, so an implementation may serve files of any size. It is called from
/// one task at a time; a read may block, so recognition belongs on a pool for blocking work, not on an event loop.
public protocol ModelFiles {
    /// The files by their paths inside the model, with `/` between folders and none in front.
    var paths: [String] { get }

    /// How many bytes a file has. Throws whatever keeps the size from being known.
    func size(of path: String) throws -> Int

    /// Bytes from an offset on: at most `count`, and none only at the end of the file.
    ///
    /// What it throws ends the recognition and is thrown on: that a disk fails says nothing about a model.
    func read(_ path: String, at offset: Int, count: Int) throws -> [UInt8]
}

/// Files held in memory.
public struct MemoryModelFiles: ModelFiles, Sendable {
    private let contents: [String: [UInt8]]

    public init(_ contents: [String: [UInt8]]) { self.contents = contents }

    public var paths: [String] { contents.keys.sorted() }

    public func size(of path: String) -> Int { contents[path]?.count ?? 0 }

    public func read(_ path: String, at offset: Int, count: Int) -> [UInt8] {
        guard let bytes = contents[path], offset >= 0, offset < bytes.count, count > 0 else { return [] }
        return Array(bytes[offset..<offset + min(count, bytes.count - offset)])
    }
}
