public import ServiceKit

/// How deliveries are made.
public struct RelaySettings: ConfigurationSection {
    /// Above so many at once each subscription has only one.
    public var deliveriesAtOnce = 512
    public var leaseDuration = Duration.seconds(10)
    /// How far a crash may make deliveries happen again.
    public var cursorInterval = Duration.seconds(1)
    public var writeInterval = Duration.milliseconds(50)
    /// Deliveries that went well, of a subscription, in a second.
    public var loggedPerSecond = 20
    public var keepDeliveries = Duration.seconds(7 * 86_400)
    public var keepDeadLetters = Duration.seconds(30 * 86_400)

    public init() {}

    public static func describe(_ keys: inout ConfigurationKeys<RelaySettings>) {
        keys.add(
            "deliveries_at_once", \.deliveriesAtOnce, "above so many deliveries each subscription has one at a time")
        keys.add("lease_duration", \.leaseDuration, "how long after its end another instance takes over")
        keys.add("cursor_interval", \.cursorInterval, "how much may be delivered again after a crash")
        keys.add("write_interval", \.writeInterval, "how long failures wait to be written together")
        keys.add(
            "logged_per_second", \.loggedPerSecond,
            "how many deliveries of a subscription that went well are written down in a second; failures always are")
        keys.add("keep_deliveries", \.keepDeliveries, "how long attempts can be looked at")
        keys.add("keep_dead_letters", \.keepDeadLetters, "how long dead letters are kept")
    }
}
