import RPC
import TestContracts

extension InteropCases {
    func emptyUnary() async throws {
        let response = try await service.emptyCall(Testing.Empty())
        try expect(response == Testing.Empty(), "the response is not empty")
    }

    func largeUnary() async throws { try checkLarge(try await service.unaryCall(InteropCases.largeRequest())) }

    func clientCompressedUnary() async throws {
        var request = InteropCases.largeRequest()
        request.expectCompressed = InteropCases.boolean(true)
        // The server must notice what is missing, or it could not notice anything.
        let probe = request
        try check(try await failure { _ = try await service.unaryCall(probe) }, is: .invalidArgument)
        try checkLarge(try await service.unaryCall(request, options: CallOptions(compression: .gzip)))
        request.expectCompressed = InteropCases.boolean(false)
        try checkLarge(try await service.unaryCall(request))
    }

    func serverCompressedUnary() async throws {
        for compressed in [true, false] {
            var request = InteropCases.largeRequest()
            request.responseCompressed = InteropCases.boolean(compressed)
            let response = try await channel.unaryResponse(Testing.TestService.Methods.unaryCall, request)
            try expect(response.isCompressed == compressed, "compressed is \(response.isCompressed), not \(compressed)")
            try checkLarge(response.message)
        }
    }

    private static let initialKey = "x-grpc-test-echo-initial"
    private static let initialValue = "test_initial_metadata_value"
    private static let trailingKey = "x-grpc-test-echo-trailing-bin"
    private static let trailingValue: [UInt8] = [0xab, 0xab, 0xab]

    func customMetadata() async throws {
        var metadata: Metadata = [InteropCases.initialKey: InteropCases.initialValue]
        metadata.add(InteropCases.trailingKey, binary: InteropCases.trailingValue)
        let response = try await channel.unaryResponse(
            Testing.TestService.Methods.unaryCall, InteropCases.largeRequest(), metadata: metadata)
        try checkLarge(response.message)
        try checkEcho(response.metadata, response.trailingMetadata)
        try await service.fullDuplexCall(metadata: metadata) { requests, responses in
            try await requests.write(InteropCases.output([314_159], payload: 271_828))
            try await requests.finish()
            for try await _ in responses {}
            try checkEcho(try await responses.metadata, await responses.trailingMetadata)
        }
    }

    private func checkEcho(_ initial: Metadata, _ trailing: Metadata) throws {
        let text = initial[InteropCases.initialKey]
        try expect(text == InteropCases.initialValue, "the initial metadata is \(text ?? "missing")")
        let bytes = trailing.binary(InteropCases.trailingKey)
        try expect(bytes == [InteropCases.trailingValue], "the trailing metadata is \(bytes)")
    }

    func statusCodeAndMessage() async throws {
        try await status("test status message")
        let error = try await failure {
            try await service.fullDuplexCall { requests, responses in
                var request = Testing.StreamingOutputCallRequest()
                request.responseStatus = InteropCases.status("test status message")
                try await requests.write(request)
                try await requests.finish()
                for try await _ in responses {}
            }
        }
        try check(error, is: .unknown, message: "test status message")
    }

    func specialStatusMessage() async throws {
        try await status("\t\ntest with whitespace\r\nand Unicode BMP ☺ and non-BMP 😈\t\n")
    }

    private static func status(_ message: String) -> Testing.EchoStatus {
        var status = Testing.EchoStatus()
        status.code = 2
        status.message = message
        return status
    }

    private func status(_ message: String) async throws {
        var request = Testing.SimpleRequest()
        request.responseStatus = InteropCases.status(message)
        let sent = request
        try check(try await failure { _ = try await service.unaryCall(sent) }, is: .unknown, message: message)
    }

    func unimplementedMethod() async throws {
        let error = try await failure { _ = try await service.unimplementedCall(Testing.Empty()) }
        try check(error, is: .unimplemented)
    }

    func unimplementedService() async throws {
        let error = try await failure {
            _ = try await Testing.UnimplementedService.Client(channel).unimplementedCall(Testing.Empty())
        }
        try check(error, is: .unimplemented)
    }
}
