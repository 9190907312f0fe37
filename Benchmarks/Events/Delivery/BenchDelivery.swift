import Glibc
import HTTP
import Loop
import Outbound

/// What one request to a receiver costs, with each of our two clients, on one core: the receiver has another.
///
///     bench-delivery http|curl [concurrency] [seconds] [bytes]
@main enum BenchDelivery {
    static func main() async throws {
        let words = Array(CommandLine.arguments.dropFirst())
        let kind = words.first ?? "http"
        let numbers = words.dropFirst().compactMap { Int($0) }
        let concurrency = numbers.first ?? 32
        let seconds = numbers.dropFirst().first ?? 5
        let body = [UInt8](repeating: 0x61, count: numbers.dropFirst(2).first ?? 600)
        let (receivers, senders) = (try LoopGroup(count: 1), try LoopGroup(count: 1))
        try receivers.start()
        try senders.start()
        let server = HTTPServer(
            endpoints: [HTTPServer.Endpoint(.tcp(host: "127.0.0.1", port: 0))], loops: receivers,
            handler: AsyncHandler { request, answer in
                _ = try await request.body.collect(upTo: 1 << 20)
                try await answer.respond(200, [:], [])
            })
        try await server.start()
        guard let address = server.addresses.first else { return }
        let loop = senders.next()
        let resolver = ComputePool(threads: 1)
        var configuration = HTTPClient.Configuration(wanted: .http11)
        configuration.connectionsPerOrigin = concurrency
        let http = HTTPClient(loops: senders, resolver: resolver, configuration: configuration)
        let curl = OutboundClient(loop: loop, connectionsPerHostMax: concurrency)
        let count = Lock(0)
        let end = ContinuousClock.now + .seconds(seconds)
        let before = try await loop.submit { processorTime() }
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<concurrency {
                group.addTask(executorPreference: loop) {
                    var done = 0
                    while ContinuousClock.now < end {
                        let isDelivered =
                            kind == "curl"
                            ? await send(curl, "http://\(address)/hook", body) : await send(http, "\(address)", body)
                        if isDelivered { done += 1 }
                    }
                    count.withLock { $0 += done }
                }
            }
        }
        let spent = try await loop.submit { processorTime() } - before
        let total = max(1, count.withLock { $0 })
        print(
            "\(kind): \(total / seconds) deliveries/s with \(concurrency) at once and \(body.count) bytes each;"
                + " \((spent / Double(total) * 1e7).rounded() / 10) µs of the sender's core for each")
        exit(0)
    }

    static func send(_ client: HTTPClient, _ authority: String, _ body: [UInt8]) async -> Bool {
        let head = RequestHead(
            method: .post, scheme: "http", authority: authority, path: "/hook",
            fields: ["content-type": "application/cloudevents+json"])
        let status = try? await client.execute(head, .bytes(body), deadline: .seconds(30)) { head, body in
            _ = try await body.collect(upTo: 4096)
            return head.status
        }
        return status == 200
    }

    static func send(_ client: OutboundClient, _ url: String, _ body: [UInt8]) async -> Bool {
        let request = OutboundRequest(
            "POST", url, headers: [("content-type", "application/cloudevents+json")], body: .bytes(body),
            timeout: .seconds(30))
        guard let response = try? await client.send(request) else { return false }
        _ = try? await response.body.collect(upTo: 4096)
        return response.status == 200
    }

    static func processorTime() -> Double {
        var time = timespec()
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }
}
