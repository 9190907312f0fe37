/// One member of a tar archive, as layers of images have them.
public struct TarEntry: Hashable, Sendable {
    public enum Kind: Hashable, Sendable {
        case file
        case folder
        case symbolicLink(to: String)
        /// Another name of a file earlier in the archive.
        case hardLink(to: String)
        /// A device, a pipe: its type flag. Known so that it can be refused by name.
        case other(UInt8)
    }

    /// Relative, with `/` between folders and none at either end.
    public var path: String
    public var kind: Kind
    /// Permission bits.
    public var mode: UInt16
    /// Of a file; 0 for everything else.
    public var size: Int64
    public var owner: UInt32
    public var group: UInt32

    public init(
        path: String, kind: Kind = .file, mode: UInt16? = nil, size: Int64 = 0, owner: UInt32 = 0, group: UInt32 = 0
    ) {
        self.path = path
        self.kind = kind
        self.mode = mode ?? (kind == .folder ? 0o755 : 0o644)
        self.size = kind == .file ? size : 0
        self.owner = owner
        self.group = group
    }
}
