import RPC
import TestContracts

extension InteropCases {
    private static let requestSizes = [27_182, 8, 1_828, 45_904]
    private static let responseSizes = [31_415, 9, 2_653, 58_979]

    func clientStreaming() async throws {
        let response = try await service.streamingInputCall { requests in
            for size in InteropCases.requestSizes { try await requests.write(InteropCases.input(size)) }
        }
        try expect(response.aggregatedPayloadSize == 74_922, "the sum is \(response.aggregatedPayloadSize), not 74922")
    }

    func clientCompressedStreaming() async throws {
        let probe = try await failure {
            _ = try await service.streamingInputCall { requests in
                try await requests.write(InteropCases.input(27_182, expectCompressed: true))
            }
        }
        try check(probe, is: .invalidArgument)
        let response = try await service.streamingInputCall(options: CallOptions(compression: .gzip)) { requests in
            try await requests.write(InteropCases.input(27_182, expectCompressed: true), compressed: true)
            try await requests.write(InteropCases.input(45_904, expectCompressed: false), compressed: false)
        }
        try expect(response.aggregatedPayloadSize == 73_086, "the sum is \(response.aggregatedPayloadSize), not 73086")
    }

    func serverStreaming() async throws {
        let sizes = try await service.streamingOutputCall(InteropCases.output(InteropCases.responseSizes)) {
            var sizes: [Int] = []
            for try await response in $0 { sizes.append(response.payload?.body.count ?? 0) }
            return sizes
        }
        try expect(sizes == InteropCases.responseSizes, "the payloads have \(sizes) bytes")
    }

    func serverCompressedStreaming() async throws {
        var request = InteropCases.output([31_415, 92_653])
        request.responseParameters[0].compressed = InteropCases.boolean(true)
        request.responseParameters[1].compressed = InteropCases.boolean(false)
        let seen = try await service.streamingOutputCall(request) { responses in
            var seen: [String] = []
            for try await response in responses {
                seen.append("\(response.payload?.body.count ?? 0) \(await responses.isLatestCompressed)")
            }
            return seen
        }
        try expect(seen == ["31415 true", "92653 false"], "the responses are \(seen)")
    }

    func pingPong() async throws {
        try await service.fullDuplexCall { requests, responses in
            var iterator = responses.makeAsyncIterator()
            for (requestSize, responseSize) in zip(InteropCases.requestSizes, InteropCases.responseSizes) {
                try await requests.write(InteropCases.output([responseSize], payload: requestSize))
                let size = try await iterator.next()?.payload?.body.count
                try expect(size == responseSize, "the payload has \(size ?? -1) bytes and not \(responseSize)")
            }
            try await requests.finish()
            try expect(try await iterator.next() == nil, "a response too many came")
        }
    }

    func emptyStream() async throws {
        try await service.fullDuplexCall { requests, responses in
            try await requests.finish()
            for try await _ in responses { throw CaseFailure(description: "a response came") }
        }
    }

    func cancelAfterBegin() async throws {
        let task = Task {
            try await failure {
                _ = try await service.streamingInputCall { requests in
                    withUnsafeCurrentTask { $0?.cancel() }
                    try await requests.write(InteropCases.input(1))
                }
            }
        }
        try check(try await task.value, is: .cancelled)
    }

    func cancelAfterFirstResponse() async throws {
        let task = Task {
            try await failure {
                try await service.fullDuplexCall { requests, responses in
                    try await requests.write(InteropCases.output([31_415], payload: 27_182))
                    var iterator = responses.makeAsyncIterator()
                    try expect(try await iterator.next() != nil, "no response came")
                    withUnsafeCurrentTask { $0?.cancel() }
                    _ = try await iterator.next()
                }
            }
        }
        try check(try await task.value, is: .cancelled)
    }

    func timeoutOnSleepingServer() async throws {
        let error = try await failure {
            try await service.fullDuplexCall(options: CallOptions(timeout: .milliseconds(1))) { requests, responses in
                try await requests.write(InteropCases.output([], payload: 27_182))
                for try await _ in responses {}
            }
        }
        try check(error, is: .deadlineExceeded)
    }
}
