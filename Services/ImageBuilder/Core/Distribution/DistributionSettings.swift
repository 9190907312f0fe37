public import ServiceKit

/// How images are handed out.
public struct DistributionSettings: ConfigurationSection {
    public var publicAddress = ""
    public var ticketLifetime = Duration.seconds(300)

    public init() {}

    public static func describe(_ keys: inout ConfigurationKeys<DistributionSettings>) {
        keys.add(
            "public_address", \.publicAddress,
            "where clients reach this service, where a proxy stands before it: https://images.example.com")
        keys.add(
            "ticket_lifetime", \.ticketLifetime, "how long docker and its kin may use what they get for a token")
    }
}
