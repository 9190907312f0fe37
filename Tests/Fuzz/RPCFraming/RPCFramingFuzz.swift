@testable import HTTP
@testable import RPC

/// The first byte chooses what reads the rest: a framed body, the small grammars of heads, or the JSON of errors.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzRPCFraming(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    guard count > 1 else { return 0 }
    let bytes = Array(UnsafeBufferPointer(start: start + 1, count: count - 1))
    switch start[0] % 4 {
    case 0: framing(bytes)
    case 1: heads(bytes)
    case 2: errors(bytes)
    default: whole(bytes)
    }
    return 0
}

private typealias Outcome = (messages: [[UInt8]], error: RPCCode?)

private func read(_ bytes: [UInt8], step: Int, _ compression: Compression) -> Outcome {
    var input = CallInput.framed(limit: 10_000, compression: compression)
    var messages: [[UInt8]] = []
    var inbound: [InboundMessage] = []
    var failure: RPCError?
    do {
        for start in stride(from: 0, to: bytes.count, by: step) {
            try bytes[start..<min(start + step, bytes.count)].withUnsafeBytes { piece in
                try input.append(piece) { inbound.append($0) }
            }
        }
        try input.end { inbound.append($0) }
    } catch { failure = error as? RPCError }
    do throws(RPCError) {
        for message in inbound { messages.append(try message.unfolded(limit: input.limit)) }
    } catch { failure = error }
    return (messages, failure?.code)
}

/// However a body is cut, the same messages come out, and the same error.
private func framing(_ bytes: [UInt8]) {
    let compression: Compression = bytes[0] & 1 == 0 ? .identity : .gzip
    let atOnce = read(bytes, step: bytes.count, compression)
    for step in [1, 3, 7] {
        let inPieces = read(bytes, step: step, compression)
        precondition(inPieces.messages == atOnce.messages, "the pieces read differently")
        precondition(inPieces.error == atOnce.error, "the pieces fail differently")
    }
    for message in atOnce.messages {
        guard let framed = try? MessageDeframer.frame([0, 0, 0, 0, 0] + message, isCompressed: false) else { continue }
        precondition(read(Array(framed), step: 5, .identity).messages == [message], "a message does not come back")
    }
}

private func heads(_ bytes: [UInt8]) {
    let text = String(decoding: bytes, as: UTF8.self)
    if let timeout = CallTimeout.parse(grpc: text) {
        precondition(CallTimeout.parse(grpc: CallTimeout.format(grpc: timeout)) != nil, "a time-out does not come back")
    }
    _ = CallTimeout.parse(connect: text)
    let encoded = PercentEncoding.encode(text)
    precondition(PercentEncoding.decode(encoded) == Array(text.utf8), "an encoded text does not come back")
    _ = PercentEncoding.decode(text, plusIsSpace: true)
    let lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    let names = [
        "content-type", "grpc-timeout", "grpc-encoding", "connect-timeout-ms", "content-encoding",
        "connect-content-encoding", "accept-encoding", "connect-protocol-version", "x-bin",
    ]
    var fields = HeaderFields()
    for (name, value) in zip(names, lines.dropFirst()) { fields.add(name, value) }
    for (method, shape) in [(HTTPMethod.post, CallShape.unary), (.post, .bidirectional), (.get, .unary)] {
        let request = RequestHead(method: method, authority: "a", path: "/s/m?" + (lines.first ?? ""), fields: fields)
        let called = AnyMethod(service: "s", name: "m", shape: shape, idempotency: .noSideEffects, options: [])
        _ = try? RequestForm(request, called, messageBytes: 10_000)
    }
    _ = Metadata(fields: fields).binary("x-bin")
}

private func errors(_ bytes: [UInt8]) {
    if let error = ConnectJSON.error(of: bytes[...], fallback: .unknown) {
        let again = ConnectJSON.error(of: ConnectJSON.body(of: error)[...], fallback: .unknown)
        precondition(again?.code == error.code && again?.message == error.message, "an error does not come back")
        precondition(again?.details == error.details, "an error's details do not come back")
    }
    _ = try? ConnectJSON.readEndOfStream(bytes[...])
    _ = RPCError.details(of: bytes)
}

private func whole(_ bytes: [UInt8]) {
    var input = CallInput.whole(limit: 10_000, compression: bytes[0] & 1 == 0 ? .identity : .gzip)
    bytes.withUnsafeBytes { piece in
        do {
            try input.append(piece) { _ in }
            var messages: [InboundMessage] = []
            try input.end { messages.append($0) }
            for message in messages {
                let unfolded = try message.unfolded(limit: 10_000)
                precondition(unfolded.count <= 10_000, "a message over the limit")
            }
        } catch {}
    }
}
