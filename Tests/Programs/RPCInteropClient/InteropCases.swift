import RPC
import TestContracts

typealias Testing = Grpc.Testing

/// A case whose expectation was not met.
struct CaseFailure: Error, CustomStringConvertible {
    let description: String
}

func expect(_ condition: Bool, _ description: @autoclosure () -> String) throws {
    if !condition { throw CaseFailure(description: description()) }
}

/// The cases of the public interop descriptions.
struct InteropCases: Sendable {
    let channel: any RPCChannel
    var service: Testing.TestService.Client { Testing.TestService.Client(channel) }

    static let all: [(name: String, run: @Sendable (InteropCases) async throws -> Void)] = [
        ("empty_unary", { try await $0.emptyUnary() }),
        ("large_unary", { try await $0.largeUnary() }),
        ("client_compressed_unary", { try await $0.clientCompressedUnary() }),
        ("server_compressed_unary", { try await $0.serverCompressedUnary() }),
        ("client_streaming", { try await $0.clientStreaming() }),
        ("client_compressed_streaming", { try await $0.clientCompressedStreaming() }),
        ("server_streaming", { try await $0.serverStreaming() }),
        ("server_compressed_streaming", { try await $0.serverCompressedStreaming() }),
        ("ping_pong", { try await $0.pingPong() }),
        ("empty_stream", { try await $0.emptyStream() }),
        ("cancel_after_begin", { try await $0.cancelAfterBegin() }),
        ("cancel_after_first_response", { try await $0.cancelAfterFirstResponse() }),
        ("timeout_on_sleeping_server", { try await $0.timeoutOnSleepingServer() }),
        ("custom_metadata", { try await $0.customMetadata() }),
        ("status_code_and_message", { try await $0.statusCodeAndMessage() }),
        ("special_status_message", { try await $0.specialStatusMessage() }),
        ("unimplemented_method", { try await $0.unimplementedMethod() }),
        ("unimplemented_service", { try await $0.unimplementedService() }),
    ]

    // MARK: parts of messages

    static func payload(_ count: Int) -> Testing.Payload {
        var payload = Testing.Payload()
        payload.body = [UInt8](repeating: 0, count: count)[...]
        return payload
    }

    static func boolean(_ value: Bool) -> Testing.BoolValue {
        var message = Testing.BoolValue()
        message.value = value
        return message
    }

    static func largeRequest() -> Testing.SimpleRequest {
        var request = Testing.SimpleRequest()
        request.responseSize = 314_159
        request.payload = payload(271_828)
        return request
    }

    static func output(_ sizes: [Int], payload count: Int? = nil) -> Testing.StreamingOutputCallRequest {
        var request = Testing.StreamingOutputCallRequest()
        request.responseParameters = sizes.map { size in
            var parameters = Testing.ResponseParameters()
            parameters.size = Int32(size)
            return parameters
        }
        request.payload = count.map { payload($0) }
        return request
    }

    static func input(_ count: Int, expectCompressed: Bool? = nil) -> Testing.StreamingInputCallRequest {
        var request = Testing.StreamingInputCallRequest()
        request.payload = payload(count)
        request.expectCompressed = expectCompressed.map { boolean($0) }
        return request
    }

    func checkLarge(_ response: Testing.SimpleResponse) throws {
        let body = response.payload?.body ?? []
        try expect(body.count == 314_159, "the payload has \(body.count) bytes and not 314159")
        try expect(body.allSatisfy { $0 == 0 }, "the payload is not all zeros")
    }

    /// Runs a call that must fail and returns its error.
    func failure(_ call: () async throws -> Void) async throws -> RPCError {
        do { try await call() } catch let error as RPCError { return error }
        throw CaseFailure(description: "the call succeeded and should have failed")
    }

    func check(_ error: RPCError, is code: RPCCode, message: String? = nil) throws {
        try expect(error.code == code, "the status is \(error) and not \(code)")
        guard let message else { return }
        try expect(error.message == message, "the message is \"\(error.message)\" and not \"\(message)\"")
    }
}
