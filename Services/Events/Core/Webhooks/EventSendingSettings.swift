import Contracts
public import Outbound

/// How events leave the house.
public struct EventSendingSettings: Sendable {
    /// Who we say that we are, as `WebHook-Request-Origin`: the suite's name in the network.
    public var origin: String
    /// Where this service can be reached from outside, for links to data that are too large: `https://events.example.org`.
    public var publicURL: String
    /// Which addresses webhooks may have.
    public var addresses: AddressPolicy
    /// The most that an event may take, with all its attributes.
    public var eventBytesMax: Int
    /// Below which files are written; nil where none may be.
    public var filesFolder: String?
    public var files: EventFileRules

    public init(
        origin: String = "slipway.local", publicURL: String = "", addresses: AddressPolicy = .publicOnly,
        eventBytesMax: Int = 64 * 1024, filesFolder: String? = nil, files: EventFileRules = EventFileRules()
    ) {
        self.origin = origin
        self.publicURL = publicURL
        self.addresses = addresses
        self.eventBytesMax = eventBytesMax
        self.filesFolder = filesFolder
        self.files = files
    }

    var limits: EventPayload.Limits { EventPayload.Limits(eventBytes: eventBytesMax, linkBase: publicURL) }

    func timeout(of webhook: Slipway.Events.V1.Webhook) -> Duration {
        guard let timeout = webhook.timeout else { return .seconds(30) }
        let asked = Duration.seconds(timeout.seconds) + .nanoseconds(Int64(timeout.nanos))
        return asked > .zero ? min(asked, .seconds(30)) : .seconds(30)
    }
}
