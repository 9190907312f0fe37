import Contracts
public import Loop
public import Postgres

/// Brings events to wherever subscriptions say: to web servers and to files. Usable from any executor.
public final class EventSender: EventSending {
    private let webhooks: WebhookSender
    private let files: EventFiles

    /// - Parameters:
    ///   - loops: where connections live; a task that prefers one of them does not hop.
    ///   - pool: looks names up and writes files; it must be started, and outlive the sender.
    ///   - lookup: what names mean; the machine's resolver where nil.
    public init(
        loops: LoopGroup, pool: ComputePool, settings: EventSendingSettings, lookup: (any HostLookup)? = nil,
        now: @escaping @Sendable () -> Int64 = { PostgresTimestamp.now.microseconds / 1_000_000 }
    ) {
        let client = WebhookClient(
            loops: loops, pool: pool, lookup: lookup ?? SystemHostLookup(pool: pool), addresses: settings.addresses)
        webhooks = WebhookSender(client: client, settings: settings, now: now)
        files = EventFiles(folder: settings.filesFolder, rules: settings.files, pool: pool)
    }

    /// Closes every connection; what is under way fails.
    public func close() async { await webhooks.client.close() }

    public func send(
        _ batch: [EventRecord], to destination: DestinationSpecification, attempt: DeliveryAttempt
    ) async -> DeliveryOutcome {
        switch destination.destination.kind {
        case .webhook(let webhook): await webhooks.send(batch, webhook, destination, attempt)
        case .file(let file): await files.send(batch, file)
        case nil: DeliveryOutcome(.refused, "the subscription has no destination")
        }
    }

    public func check(_ destination: Slipway.Events.V1.Destination) async throws {
        switch destination.kind {
        case .webhook(let webhook): try await webhooks.check(webhook)
        case .file(let file): try await files.check(file)
        case nil: throw DestinationError(.invalid, field: "", "is neither a webhook nor a file")
        }
    }

    public func validate(_ destination: DestinationSpecification) async throws -> DestinationConsent {
        switch destination.destination.kind {
        case .webhook(let webhook): try await webhooks.consent(webhook, destination)
        case .file, nil: DestinationConsent(validatedBy: "")
        }
    }
}
