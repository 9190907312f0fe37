import HTTP
import Loop
import Testing

@testable import RPC

/// What a reader made of a response.
private struct Seen {
    var messages: [[UInt8]] = []
    var error: RPCError?
    var trailing = Metadata()
    var isTrailersOnly = false
}

/// - Parameter limit: of a message without its compression.
private func read(
    _ reader: some ResponseReader, status: Int = 200, _ fields: HeaderFields, _ body: [UInt8] = [],
    trailers: HeaderFields? = nil, limit: Int = 100
) -> Seen {
    var reader = reader
    var seen = Seen()
    var unread: RPCError?
    // As a call takes them, one by one.
    func take(_ message: InboundMessage) {
        do throws(RPCError) { seen.messages.append(try ResponseMessages.unfold(message, limit: limit)) } catch {
            unread = unread ?? error
        }
    }
    func end(_ outcome: CallOutcome) -> Seen {
        seen.error = unread ?? outcome.error
        seen.trailing = outcome.trailing
        seen.isTrailersOnly = outcome.isTrailersOnly
        return seen
    }
    if case .failed(let outcome) = reader.head(ResponseHead(status: status, fields: fields)) { return end(outcome) }
    // One byte at a time: nothing may depend on how the body was cut.
    for byte in body {
        do throws(RPCError) {
            try withUnsafeBytes(of: byte) { bytes throws(RPCError) in
                try reader.body(bytes, take)
            }
        } catch { return end(CallOutcome(error: error)) }
    }
    return end(reader.end(trailers, take))
}

private func envelope(_ flags: UInt8, _ bytes: [UInt8], length: Int? = nil) -> [UInt8] {
    let length = length ?? bytes.count
    return [flags, UInt8(length >> 24), UInt8(length >> 16 & 255), UInt8(length >> 8 & 255), UInt8(length & 255)]
        + bytes
}

@Suite("Responses of every kind, good and bad")
struct ClientResponseTests {
    private let grpc = GRPCResponse(codec: .proto, limit: 100)
    private let unary = ConnectUnaryResponse(codec: .proto, limit: 100)
    private let stream = ConnectStreamingResponse(codec: .proto, limit: 100)
    private let grpcHead: HeaderFields = ["content-type": "application/grpc"]
    private let streamHead: HeaderFields = ["content-type": "application/connect+proto"]

    @Test("gRPC: messages, then the trailers' status")
    func grpcSuccess() throws {
        let packed = try Gzip.compress([7, 8][...])
        let seen = read(
            grpc, ["content-type": "application/grpc+proto", "grpc-encoding": "gzip"],
            envelope(0, [1, 2]) + envelope(0, []) + envelope(1, packed), trailers: ["grpc-status": "0", "x": "y"])
        #expect(seen.messages == [[1, 2], [], [7, 8]])
        #expect(seen.error == nil)
        #expect(seen.trailing["x"] == "y")
    }

    @Test(
        "gRPC: statuses that are none are unknown or internal",
        arguments: [("", RPCCode.unknown), ("x", .unknown), ("-1", .unknown), ("17", .unknown), ("5", .notFound)])
    func grpcStatus(_ text: String, _ code: RPCCode) {
        #expect(read(grpc, grpcHead, trailers: ["grpc-status": text]).error?.code == code)
    }

    @Test("gRPC: a message that is percent-encoded is decoded, and what is no encoding stays")
    func grpcMessage() {
        let seen = read(grpc, grpcHead, trailers: ["grpc-status": "3", "grpc-message": "a%20b%C3%BC%zz%"])
        #expect(seen.error?.message == "a bü%zz%")
    }

    @Test("gRPC: head and trailers may be one")
    func trailersOnly() {
        let seen = read(grpc, ["content-type": "application/grpc", "grpc-status": "9", "x": "y"])
        #expect(seen.error?.code == .failedPrecondition)
        #expect(seen.isTrailersOnly)
        #expect(seen.trailing["x"] == "y")
    }

    @Test("gRPC: a head's status counts neither beside a body nor beside trailers")
    func headStatusIgnored() {
        let head: HeaderFields = ["content-type": "application/grpc", "grpc-status": "9"]
        #expect(read(grpc, head, envelope(0, [1])).error?.code == .internal)
        #expect(read(grpc, head, trailers: ["grpc-status": "8"]).error?.code == .resourceExhausted)
    }

    @Test("gRPC: what breaks the protocol is internal, and says how")
    func grpcBroken() {
        let ok: HeaderFields = ["grpc-status": "0"]
        let broken: [Seen] = [
            read(grpc, grpcHead),
            read(grpc, grpcHead, trailers: ["grpc-message": "no status"]),
            read(grpc, grpcHead, envelope(0, [1])),
            read(grpc, grpcHead, envelope(0, [1], length: 2), trailers: ok),
            read(grpc, grpcHead, [0, 0, 0], trailers: ok),
            read(grpc, grpcHead, envelope(1, [1]), trailers: ok),
            read(grpc, grpcHead, envelope(2, [1]), trailers: ok),
            read(grpc, ["content-type": "application/grpc", "grpc-encoding": "gzip"], envelope(1, [1]), trailers: ok),
            read(grpc, ["content-type": "application/grpc", "grpc-encoding": "foo"], envelope(1, [1]), trailers: ok),
            read(grpc, ["content-type": "application/grpc+json"], envelope(0, [1]), trailers: ok),
        ]
        for seen in broken {
            #expect(seen.error?.code == .internal)
            #expect(seen.error?.message.isEmpty == false)
        }
    }

    @Test(
        "gRPC: what is no gRPC at all is mapped from its HTTP status",
        arguments: [
            (200, RPCCode.unknown), (400, .internal), (401, .unauthenticated), (403, .permissionDenied),
            (404, .unimplemented), (418, .unknown), (429, .unavailable), (502, .unavailable), (503, .unavailable),
            (504, .unavailable), (500, .unknown), (800, .unknown),
        ])
    func noGRPC(_ status: Int, _ code: RPCCode) {
        #expect(read(grpc, status: status, ["content-type": "text/html"]).error?.code == code)
        #expect(read(unary, status: status, ["content-type": "text/html"]).error?.code == code)
        #expect(read(stream, status: status, ["content-type": "text/html"]).error?.code == code)
    }

    @Test("a message over the limit is refused before it is read, and after it is unpacked")
    func overLimit() throws {
        let bomb = try Gzip.compress([UInt8](repeating: 0, count: 10_000)[...])
        #expect(bomb.count < 100)
        let head: HeaderFields = ["content-type": "application/grpc", "grpc-encoding": "gzip"]
        let seen = [
            read(grpc, head, envelope(0, [], length: 101)),
            read(grpc, head, envelope(0, [], length: Int(UInt32.max))),
            read(grpc, head, envelope(1, bomb)),
            read(unary, ["content-type": "application/proto"], [UInt8](repeating: 0, count: 101)),
            read(unary, ["content-type": "application/proto", "content-encoding": "gzip"], bomb),
            read(stream, streamHead, envelope(0, [], length: 101)),
        ]
        for seen in seen {
            #expect(seen.error?.code == .resourceExhausted)
            #expect(seen.error?.message.contains("100 bytes (setting messageBytes)") == true)
        }
    }

    @Test("a window full of small messages that unfold to large ones is held as it came")
    func folded() throws {
        let bomb = try Gzip.compress([UInt8](repeating: 0, count: 4_000_000)[...])
        let body = (0..<64).flatMap { _ in envelope(1, bomb) }
        var readers: [(any ResponseReader, HeaderFields)] = [
            (
                GRPCResponse(codec: .proto, limit: 5_000_000),
                ["content-type": "application/grpc", "grpc-encoding": "gzip"]
            ),
            (
                ConnectStreamingResponse(codec: .proto, limit: 5_000_000),
                ["content-type": "application/connect+proto", "connect-content-encoding": "gzip"]
            ),
        ]
        for index in readers.indices {
            _ = readers[index].0.head(ResponseHead(status: 200, fields: readers[index].1))
            var messages: [InboundMessage] = []
            try body.withUnsafeBytes { try readers[index].0.body($0) { messages.append($0) } }
            #expect(messages.count == 64)
            #expect(messages.reduce(0) { $0 + $1.bytes.count } < body.count)
            #expect(try ResponseMessages.unfold(messages[63], limit: 5_000_000).count == 4_000_000)
        }
    }

    @Test(
        "a bomb ends the call with the limit when it is taken, what came before it is read, and its server hears",
        arguments: Manner.fullDuplex)
    func bomb(_ manner: Manner) async throws {
        let cancelled = Gate()
        let handler = MethodHandler.streaming(Probe.chat) { _, responses, context in
            context.compressesResponses = true
            try await responses.write(text("small"))
            for _ in 0..<3 { try await responses.write(text(String(repeating: "x", count: 100_000))) }
            await untilCancelled()
            cancelled.open()
        }
        try await withServer([Offer(handler)]) { served in
            let channel = served.channel(manner) { $0.messageBytes = 1000 }
            let taken = Lock(0)
            let error = await failure {
                try await channel.bidirectional(Probe.chat) { requests, responses in
                    try await requests.finish()
                    for try await _ in responses { taken.withLock { $0 += 1 } }
                }
            }
            #expect(taken.withLock { $0 } == 1)
            #expect(error?.code == .resourceExhausted)
            #expect(error?.message.contains("1000 bytes (setting messageBytes)") == true)
            await cancelled.wait()
        }
    }

    @Test("a single response that is a bomb fails its call", arguments: Manner.allCases)
    func onlyBomb(_ manner: Manner) async throws {
        let handler = MethodHandler.unary(Probe.echo) { _, context in
            context.compressesResponses = true
            return ServerResponse(text(String(repeating: "x", count: 1_000_000)))
        }
        try await withServer([Offer(handler)]) { served in
            let channel = served.channel(manner) { $0.messageBytes = 10_000 }
            let error = await failure { _ = try await channel.unary(Probe.echo, text("x")) }
            #expect(error?.code == .resourceExhausted)
            #expect(error?.message.contains("10000 bytes (setting messageBytes)") == true)
        }
    }

    @Test("Connect: one message, with trailers among the fields")
    func connectUnary() throws {
        let seen = read(unary, ["content-type": "application/proto", "trailer-x": "y"], [1, 2])
        #expect(seen.messages == [[1, 2]])
        #expect(seen.trailing["x"] == "y")
        let packed = try Gzip.compress([3][...])
        let fields: HeaderFields = ["content-type": "application/proto; charset=x", "content-encoding": "gzip"]
        #expect(read(unary, fields, packed).messages == [[3]])
        #expect(read(unary, ["content-type": "application/proto"]).messages == [[]])
    }

    @Test(
        "Connect: an error's JSON is read, and what is missing in it comes from the HTTP status",
        arguments: [
            (#"{"code":"out_of_range","message":"oops","x":[1]}"#, RPCCode.outOfRange, "oops"),
            (#"{"code":null,"message":"oops"}"#, .unauthenticated, "oops"),
            (#"{"message":"oops"}"#, .unauthenticated, "oops"),
            (#"{"code":"foobar","message":"oops"}"#, .unauthenticated, "oops"),
            ("null", .unauthenticated, "the server answered with HTTP status 401"),
            ("{", .unauthenticated, "the server answered with HTTP status 401"),
            ("", .unauthenticated, "the server answered with HTTP status 401"),
        ])
    func connectError(_ json: String, _ code: RPCCode, _ message: String) {
        let seen = read(unary, status: 401, ["content-type": "application/json"], Array(json.utf8))
        #expect(seen.error?.code == code)
        #expect(seen.error?.message == message)
    }

    @Test("Connect: an error may come compressed")
    func compressedError() throws {
        let json = try Gzip.compress(Array(#"{"code":"aborted"}"#.utf8)[...])
        let fields: HeaderFields = ["content-type": "application/json", "content-encoding": "gzip"]
        #expect(read(unary, status: 422, fields, json).error?.code == .aborted)
    }

    @Test("Connect: a response in another codec or compression is internal")
    func connectMismatch() {
        #expect(read(unary, ["content-type": "application/json"], [1]).error?.code == .internal)
        let fields: HeaderFields = ["content-type": "application/proto", "content-encoding": "foo"]
        #expect(read(unary, fields, [1]).error?.code == .internal)
        #expect(read(stream, ["content-type": "application/connect+json"]).error?.code == .internal)
    }

    @Test("Connect: a stream ends with an envelope that holds error and metadata")
    func connectStream() {
        let end = #"{"error":{"code":"aborted","message":"no"},"metadata":{"x":["y","z"]}}"#
        let seen = read(stream, streamHead, envelope(0, [1]) + envelope(2, Array(end.utf8)))
        #expect(seen.messages == [[1]])
        #expect(seen.error?.code == .aborted)
        #expect(seen.trailing.values("x") == ["y", "z"])
        #expect(read(stream, streamHead, envelope(2, Array(#"{"error":null}"#.utf8))).error == nil)
        let unnamed = envelope(2, Array(#"{"error":{"code":null,"message":"m"}}"#.utf8))
        #expect(read(stream, streamHead, unnamed).error?.code == .unknown)
    }

    @Test("Connect: a stream without its end, or with more behind it, is internal")
    func connectStreamBroken() {
        let end = envelope(2, Array("{}".utf8))
        for body in [
            [], envelope(0, [1]), envelope(0, [1], length: 2), [0, 0], end + envelope(0, [1]), end + [0],
            envelope(2, Array("nonsense".utf8)), envelope(1, [1]) + end, envelope(8, []) + end,
        ] {
            #expect(read(stream, streamHead, body).error?.code == .internal)
        }
    }
}
