internal import Blobs

extension SourceTree {
    /// A tree of those files.
    init(files: [TreeFile]) throws(BlobError) {
        let files = files.sorted { $0.path.utf8.lexicographicallyPrecedes($1.path.utf8) }
        self.init(digest: try SourceTree.digest(of: files), files: files)
    }

    /// Of the paths, permissions and contents. A path has no zero in it, so that each list of files has bytes of its own.
    private static func digest(of files: [TreeFile]) throws(BlobError) -> BlobDigest {
        var bytes = Array("slipway source tree 1\n".utf8)
        for file in files {
            bytes += Array("\(file.isExecutable ? "x" : "-")\(file.digest.hexadecimal)\(file.path)\0".utf8)
        }
        return try BlobHasher.digest(bytes)
    }

    var size: Int64 { files.reduce(0) { $0 + $1.size } }

    func file(_ path: String) -> TreeFile? { files.first { $0.path == path } }
}
