import Contracts

/// What goes into one request.
struct EventPayload {
    var headers: [(name: String, value: String)]
    var body: [UInt8]

    /// How large an event may be.
    struct Limits: Sendable {
        /// Of an event with all its attributes: CloudEvents asks everybody on the way to pass on 64 KiB.
        var eventBytes = 64 * 1024
        /// Where data can be had that are larger: `https://events.example.org`.
        var linkBase = ""

        /// The data of an event, by a call that the service answers to a plain GET.
        func link(to id: String) -> String {
            linkBase + "/slipway.events.v1.Events/GetEvent?connect=v1&encoding=json&message=%7B%22id%22:%22\(id)%22%7D"
        }
    }

    /// - Returns: nil where an event does not fit even with a link in place of its data.
    init?(_ events: [EventRecord], mode: Slipway.Events.V1.Webhook.Mode, limits: Limits) {
        switch mode {
        case .binary:
            guard let event = events.first, events.count == 1 else { return nil }
            var cloud = CloudEvent(event)
            if cloud.size > limits.eventBytes { cloud = CloudEvent(event, link: limits.link(to: event.id)) }
            guard cloud.size <= limits.eventBytes else { return nil }
            headers = cloud.binaryHeaders
            body = Array((cloud.data ?? "").utf8)
        case .batch:
            let documents = events.compactMap { EventPayload.document($0, limits) }
            guard documents.count == events.count else { return nil }
            headers = [("content-type", CloudEvent.batchType)]
            body = CloudEvent.batch(documents)
        default:
            guard let event = events.first, events.count == 1, let document = EventPayload.document(event, limits)
            else {
                return nil
            }
            headers = [("content-type", CloudEvent.structuredType)]
            body = document
        }
    }

    private static func document(_ event: EventRecord, _ limits: Limits) -> [UInt8]? {
        let whole = CloudEvent(event).structured
        guard whole.count > limits.eventBytes else { return whole }
        let linked = CloudEvent(event, link: limits.link(to: event.id)).structured
        return linked.count <= limits.eventBytes ? linked : nil
    }
}

extension CloudEvent {
    /// About what it takes, in whatever mode.
    fileprivate var size: Int {
        attributes.reduce(data?.utf8.count ?? 0) { $0 + $1.name.utf8.count + $1.value.utf8.count + 8 }
    }
}
