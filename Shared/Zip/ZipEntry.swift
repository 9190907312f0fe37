/// One entry, as the archive's directory has it.
package struct ZipEntry: Hashable, Sendable {
    package var name: String
    /// 0 is stored, 8 deflated.
    package var method: Int
    package var isEncrypted: Bool
    /// The checksum of the contents.
    package var checksum: UInt32
    /// Bytes in the archive.
    package var foldedSize: Int
    /// Bytes of the contents.
    package var size: Int
    /// Where the entry's own header begins.
    package var offset: Int
    /// The file's type and permissions as Unix has them; 0 where the archive comes from elsewhere.
    package var mode: UInt16

    package var isFolder: Bool { name.hasSuffix("/") }
    package var isExecutable: Bool { mode & 0o111 != 0 }
}
