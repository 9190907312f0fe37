import Access
import Glibc
import InferenceContracts
import Loop
import RPC
import ScorerCore
import ScorerFakes
import ServiceKit
import Serving

/// What reading and answering costs, without sockets: microseconds a request, the best of several runs.
enum Timing {
    static func run() async throws {
        for size in [16 << 10, 1 << 20] {
            let (text, count) = numbers(size)
            let best = try best { _ = try V2Request(json: text) }
            say("JSON body of \(text.count) bytes, \(count) floats: \(best) us")
        }
        let point = ScoringPoint(
            FakeServing([Models.echo(.fp32)]), build: BuildInformation(service: "timing", version: "1"))
        let access = AccessControl(open: DialectServer.everybody)
        let server = try ScorerOffer(point, access: access).server(access)
        let loops = try LoopGroup(count: 1)
        try loops.start()
        let calls = Inference.GRPCInferenceService.Client(InProcessChannel(server, loops: loops))
        let bare = try await Task(executorPreference: loops.loops[0]) {
            var lowest = Double.infinity
            for _ in 0..<20 {
                let start = now()
                for _ in 0..<200 { _ = try await calls.serverLive(.init()) }
                lowest = min(lowest, Double(now() - start) / 200_000)
            }
            return lowest
        }.value
        say("ServerLive in process, client and server, for comparison: \(bare) us")
        for rows in [1, 64, 65536] {
            var request = Inference.ModelInferRequest()
            request.modelName = "echo-fp32"
            request.inputs = [.init(name: "x", datatype: "FP32", shape: [Int64(rows), 4])]
            request.rawInputContents = [[UInt8](repeating: 1, count: rows * 16)[...]]
            let message = request
            let lowest = try await Task(executorPreference: loops.loops[0]) {
                var lowest = Double.infinity
                for _ in 0..<20 {
                    let start = now()
                    for _ in 0..<200 { _ = try await calls.modelInfer(message) }
                    lowest = min(lowest, Double(now() - start) / 200_000)
                }
                return lowest
            }.value
            say("ModelInfer of \(rows * 16) bytes in process, client and server: \(lowest) us")
        }
    }

    private static func best(_ body: () throws -> Void) rethrows -> Double {
        var lowest = Double.infinity
        for _ in 0..<50 {
            let start = now()
            try body()
            lowest = min(lowest, Double(now() - start) / 1000)
        }
        return lowest
    }

    /// A request of that many bytes, of numbers as Python prints them.
    private static func numbers(_ size: Int) -> ([UInt8], Int) {
        var list = ""
        var count = 0
        var state: UInt64 = 7
        while list.utf8.count < size {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            if count > 0 { list += ", " }
            list += "\(Float(state >> 40) / 16_777_216)"
            count += 1
        }
        let head = #"{"inputs": [{"name": "x", "datatype": "FP32", "shape": [1, "#
        return (Array((head + "\(count)], \"data\": [\(list)]}]}").utf8), count)
    }

    private static func now() -> Int64 {
        var time = timespec()
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
        return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
    }

    private static func say(_ text: String) {
        let line = Array((text + "\n").utf8)
        _ = write(STDOUT_FILENO, line, line.count)
    }
}
