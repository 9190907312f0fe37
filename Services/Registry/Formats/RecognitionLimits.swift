/// How much is read of a model at most, however large or ill-meant it is.
public struct RecognitionLimits: Hashable, Sendable {
    /// Bytes read of one file, and bytes unfolded from one compressed stream.
    public var fileBytesMax = 64 << 20
    /// Bytes read of all files together.
    public var totalBytesMax = 512 << 20
    /// Bytes of the header of a safetensors file, which its own specification limits too.
    public var headerBytesMax = 100_000_000
    /// Bytes of a text file that is read whole: `MLmodel`, `conda.yaml` and the like.
    public var textBytesMax = 1 << 20
    /// Characters of one name, key or version that is kept.
    public var nameBytesMax = 64 << 10
    /// Elements kept of one list: features, tensors, imports, requirements, entries of an archive.
    public var listCountMax = 100_000
    /// Files of a folder that are looked at.
    public var filesMax = 1000
    /// Nested containers in one document.
    public var depthMax = 64
    /// Values that a pickle may have on its stack or in its memo.
    public var pickleValuesMax = 1 << 20
    /// Warnings kept; one more says how many were left off.
    public var warningsMax = 200

    public init() {}
}
