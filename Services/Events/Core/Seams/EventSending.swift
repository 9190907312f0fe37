public import Contracts
public import ServiceKit

/// Where the events of a subscription go, with everything that is needed to bring them there.
public struct DestinationSpecification: Sendable {
    /// As the contract has it, checked and with its defaults filled in. The values of headers are not in it.
    public var destination: Slipway.Events.V1.Destination { didSet { plan = WebhookPlan.Kept() } }
    /// The headers with their values.
    public var headers: [(name: String, value: Secret)] { didSet { plan = WebhookPlan.Kept() } }
    /// What deliveries are signed with: the present secret first, then those that still count beside it. As `whsec_…`; none
    /// for what is not signed.
    public var signingSecrets: [Secret] { didSet { plan = WebhookPlan.Kept() } }
    private(set) var plan = WebhookPlan.Kept()

    public init(
        _ destination: Slipway.Events.V1.Destination, headers: [(name: String, value: Secret)] = [],
        signingSecrets: [Secret] = []
    ) {
        self.destination = destination
        self.headers = headers
        self.signingSecrets = signingSecrets
    }
}

/// One attempt at delivery.
public struct DeliveryAttempt: Sendable, Hashable {
    /// Names the attempt; it goes with the request and into its signature.
    public var id: String
    /// From 1.
    public var number: Int

    public init(id: String, number: Int) {
        self.id = id
        self.number = number
    }
}

/// What became of an attempt.
public struct DeliveryOutcome: Sendable, Hashable {
    public enum Kind: Sendable, Hashable {
        /// The receiver took it.
        case delivered
        /// Another attempt may go better; not before so long where the receiver said so.
        case failed(retryAfter: Duration?)
        /// The receiver will never take it: 400, 401, 403, 413.
        case refused
        /// The event does not fit into a request, even with a link in place of its data.
        case tooLarge
        /// The receiver wants nothing more: 410.
        case gone
    }
    public var kind: Kind
    /// What the receiver answered; 0 where it did not.
    public var status: Int
    /// For people: the beginning of what it said, or why there was no answer.
    public var description: String
    public var took: Duration

    public init(_ kind: Kind, status: Int = 0, _ description: String, took: Duration = .zero) {
        self.kind = kind
        self.status = status
        self.description = description
        self.took = took
    }
}

/// What brings events to their receivers. Called many times at once, also for one destination; a call ends within the
/// destination's time limit, or soon after its task is cancelled. All events of a batch share its outcome.
public protocol EventSending: Sendable {
    func send(
        _ batch: [EventRecord], to destination: DestinationSpecification, attempt: DeliveryAttempt
    ) async -> DeliveryOutcome

    /// Refuses a destination that could never be delivered to: no address, a private network, a path out of its folder.
    /// Names are resolved.
    /// - Throws: `DestinationError`.
    func check(_ destination: Slipway.Events.V1.Destination) async throws

    /// Asks a receiver for its consent.
    /// - Returns: how it gave it, and how much it wants at most.
    /// - Throws: `DestinationError` with what it answered.
    func validate(_ destination: DestinationSpecification) async throws -> DestinationConsent
}

/// A receiver's consent.
public struct DestinationConsent: Sendable, Hashable {
    /// `options`, `echo`; empty where there is nobody to ask.
    public var validatedBy: String
    /// 0 where it wants no limit.
    public var ratePerMinute: Int

    public init(validatedBy: String, ratePerMinute: Int = 0) {
        self.validatedBy = validatedBy
        self.ratePerMinute = ratePerMinute
    }
}

/// Why events can't go to a destination.
public struct DestinationError: Error, Sendable, Hashable, CustomStringConvertible {
    public enum Reason: Sendable, Hashable {
        /// What was asked for is wrong in itself.
        case invalid
        /// The settings forbid it.
        case forbidden
        /// The receiver did not consent.
        case refused
    }
    public var reason: Reason
    /// Below `destination`: `webhook.url`.
    public var field: String
    public var message: String

    public init(_ reason: Reason, field: String, _ message: String) {
        self.reason = reason
        self.field = field
        self.message = message
    }

    public var description: String { "\(field): \(message)" }
}
