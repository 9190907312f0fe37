import Contracts
import EventsCore
import Glibc
import Loop
import Outbound
import Protobuf
import ServiceKit

/// Delivers an example of every type to a receiver, for those who judge from outside what arrives.
///
///     event-deliverer URL structured|binary|batch SECRET…
@main enum EventDeliverer {
    static func main() async throws {
        let words = Array(CommandLine.arguments.dropFirst())
        guard words.count >= 3 else { exit(2) }
        let loops = try LoopGroup(count: 1)
        try loops.start()
        let pool = ComputePool(threads: 1)
        try pool.start()
        let settings = EventSendingSettings(
            origin: "suite.example.org", publicURL: "https://events.example.org",
            addresses: AddressPolicy(allowing: ["127.0.0.1"]), eventBytesMax: 4096)
        let sender = EventSender(loops: loops, pool: pool, settings: settings)
        var webhook = Slipway.Events.V1.Webhook()
        webhook.url = words[0]
        webhook.mode = ["binary": .binary, "batch": .batch][words[1]] ?? .structured
        var destination = Slipway.Events.V1.Destination()
        destination.kind = .webhook(webhook)
        let specification = DestinationSpecification(destination, signingSecrets: words.dropFirst(2).map { Secret($0) })
        let consent = try await sender.validate(specification)
        print("consent \(consent.validatedBy) \(consent.ratePerMinute)")
        var events = EventTypes().examples
        // One that is too large, and one whose words need every kind of escape.
        if var odd = events.last {
            odd.id = "large"
            odd.data = "{\"text\":\"\(String(repeating: "x", count: 8192))\"}"
            events.append(odd)
            odd.id = "odd"
            odd.subject = "models/Euro € \"50%\" 😀\n\u{7f}"
            odd.data = #"{"text":"\"\\\n€"}"#
            events.append(odd)
        }
        let batches = words[1] == "batch" ? [events] : events.map { [$0] }
        for (index, batch) in batches.enumerated() {
            let outcome = await sender.send(
                batch, to: specification, attempt: DeliveryAttempt(id: "delivery-\(index)", number: 1))
            print("\(outcome.status) \(outcome.description)")
        }
        exit(0)
    }
}
