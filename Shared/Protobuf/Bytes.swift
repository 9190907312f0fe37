/// Immutable bytes that may be a window of a larger buffer: decoding a `bytes` field copies nothing.
public typealias Bytes = ArraySlice<UInt8>
