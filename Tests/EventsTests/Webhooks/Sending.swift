import Contracts
import Loop
import Outbound
import Protobuf
import ServiceKit

@testable import EventsCore

/// Names mean what the test says, each time anew.
final class ScriptedLookup: HostLookup {
    private let answers: Lock<[[String]]>

    /// - Parameter answers: one after the other; the last for ever.
    init(_ answers: [String]...) { self.answers = Lock(answers) }

    func addresses(of host: String) async throws -> [IPAddress] {
        if let literal = IPAddress(host) { return [literal] }
        let texts = answers.withLock { $0.count > 1 ? $0.removeFirst() : $0.first ?? [] }
        return texts.compactMap { IPAddress($0) }
    }
}

enum Sending {
    static func with<Result: Sendable>(
        allowing: [String] = ["127.0.0.1"], lookup: (any HostLookup)? = nil, files: String? = nil,
        eventBytesMax: Int = 64 * 1024, rules: EventFileRules = EventFileRules(),
        _ body: (EventSender) async throws -> Result
    ) async throws -> Result {
        let loops = try LoopGroup(count: 1)
        try loops.start()
        let pool = ComputePool(threads: 2)
        try pool.start()
        let settings = EventSendingSettings(
            origin: "suite.example.org", publicURL: "https://events.example.org",
            addresses: AddressPolicy(allowing: allowing), eventBytesMax: eventBytesMax, filesFolder: files, files: rules
        )
        let sender = EventSender(
            loops: loops, pool: pool, settings: settings, lookup: lookup, now: { 1_769_860_800 })
        let result: Swift.Result<Result, any Error>
        do { result = .success(try await body(sender)) } catch { result = .failure(error) }
        await sender.close()
        loops.stop()
        pool.stop()
        return try result.get()
    }

    static func webhook(
        _ url: String, _ mode: Slipway.Events.V1.Webhook.Mode = .structured, seconds: Int64 = 20,
        headers: [(name: String, value: Secret)] = [], secrets: [Secret] = []
    ) -> DestinationSpecification {
        var webhook = Slipway.Events.V1.Webhook()
        webhook.url = url
        webhook.mode = mode
        webhook.timeout = Google.Protobuf.Duration(seconds: seconds, nanos: 0)
        var destination = Slipway.Events.V1.Destination()
        destination.kind = .webhook(webhook)
        return DestinationSpecification(destination, headers: headers, signingSecrets: secrets)
    }
}
