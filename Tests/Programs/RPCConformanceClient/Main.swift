import Loop
import ProgramKit
import RPC
import TestContracts

typealias Conformance = Connectrpc.Conformance.V1

/// The client under test of the ConnectRPC conformance suite: makes the calls that standard input asks for, several at
/// once, and tells on standard output what became of each.
@main
struct RPCConformanceClient {
    /// Calls that run at the same time; the rest waits in the pipe.
    private static let concurrentMax = 32

    static func main() async {
        await Program.main {
            let loops = try LoopGroup()
            try loops.start()
            let input = ComputePool(threads: 1, name: "input")
            try input.start()
            let output = Lock(())
            try await withThrowingTaskGroup(of: Void.self) { group in
                var running = 0
                while let message = try await input.run({ try SizedMessages.read() }) {
                    let request = try Conformance.ClientCompatRequest(serialized: message)
                    if running == concurrentMax {
                        try await group.next()
                        running -= 1
                    }
                    running += 1
                    group.addTask {
                        let response = await answer(request, loops).serialized()
                        try output.withLock { _ in try SizedMessages.write(response) }
                    }
                }
                try await group.waitForAll()
            }
            input.stop()
            loops.stop()
        }
    }

    private static func answer(
        _ request: Conformance.ClientCompatRequest, _ loops: LoopGroup
    ) async -> Conformance.ClientCompatResponse {
        var response = Conformance.ClientCompatResponse()
        response.testName = request.testName
        do {
            response.result = .response(try await ConformanceCall(request).run(loops))
        } catch {
            var failure = Conformance.ClientErrorResult()
            failure.message = "\(error)"
            response.result = .error(failure)
        }
        return response
    }
}
