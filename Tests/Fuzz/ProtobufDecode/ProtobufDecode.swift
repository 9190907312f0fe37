internal import Protobuf

typealias AllTypes = ProtobufTestMessages.Proto3.TestAllTypesProto3

/// Bytes are refused with an error or decode to a message that is written so that it reads back the same.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzProtobufDecode(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let bytes = Array(UnsafeBufferPointer(start: start, count: count))
    guard let message = try? AllTypes(serialized: bytes) else { return 0 }
    let written = message.serialized()
    guard let again = try? AllTypes(serialized: written) else { fatalError("what was written does not read back") }
    let rewritten = again.serialized()
    // NaN is unequal to itself, and maps have no order: sizes and a third reading stand in for both.
    guard written.count == rewritten.count, message.encodedSize == written.count else {
        fatalError("writing again gives another size")
    }
    // Two readings of the same bytes differ by nothing but NaN.
    if let second = try? AllTypes(serialized: bytes), second == message, again != message {
        fatalError("what was written reads back as something else")
    }
    _ = try? message.jsonBytes()
    return 0
}
