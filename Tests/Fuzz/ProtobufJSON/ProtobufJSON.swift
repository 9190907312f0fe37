internal import Protobuf

typealias AllTypes = ProtobufTestMessages.Proto3.TestAllTypesProto3

private let registry = TypeRegistry([ProtobufTestMessages.Proto3.testMessagesProto3File])

/// Text is refused with an error or reads as a message that JSON and the binary format both give back.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzProtobufJSON(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    guard let start, count > 0 else { return 0 }
    let text = Array(UnsafeBufferPointer(start: start + 1, count: count - 1))
    let options = JSONDecodingOptions(ignoresUnknownFields: start[0] & 1 == 1, registry: registry)
    guard let message = try? AllTypes(json: text, options: options) else { return 0 }
    guard let binary = try? AllTypes(serialized: message.serialized()) else {
        // Any nests bytes in bytes, so that the text may hold more levels than the binary form allows.
        return 0
    }
    // Two readings of the same text differ by nothing but NaN and the order of maps in an Any.
    if let second = try? AllTypes(json: text, options: options), second == message, binary != message {
        fatalError("the binary format gives back something else")
    }
    guard let written = try? message.jsonBytes(options: JSONEncodingOptions(registry: registry)) else { return 0 }
    guard let again = try? AllTypes(json: written, options: JSONDecodingOptions(registry: registry)) else {
        fatalError("JSON of our own is refused: \(String(decoding: written, as: UTF8.self))")
    }
    // The bytes in an Any hold maps in any order, so that only sizes are comparable there.
    guard again.encodedSize == message.encodedSize else { fatalError("JSON of our own gives back something else") }
    return 0
}
