import EventsCore
import Outbound
import ServiceKit

/// What may leave the house, and how.
struct DeliverySettings: ConfigurationSection {
    var origin = "slipway.local"
    var publicURL = ""
    /// Reachable though they are private.
    var allowedNetworks: [String] = []
    var eventBytes = ByteCount(64 * 1024)
    /// None may be written where it is empty.
    var files = ""
    var fileBytes = ByteCount(64 * 1024 * 1024)
    var filesKept = 9
    var unvalidated = false

    static func describe(_ keys: inout ConfigurationKeys<DeliverySettings>) {
        keys.add("origin", \.origin, "who receivers are told that asks: the suite's name in the network")
        keys.add("public_url", \.publicURL, "where this service is reached from outside, for links to large data")
        keys.add(
            "allowed_networks", \.allowedNetworks,
            "private networks, addresses and hosts that webhooks may have all the same")
        keys.add("event_bytes", \.eventBytes, "above which an event has a link in place of its data")
        keys.add("files", \.files, "the folder below which events may be written to files; none where empty")
        keys.add("file_bytes", \.fileBytes, "how large a file of events becomes before a new one is begun")
        keys.add("files_kept", \.filesKept, "how many of the former ones are kept")
        keys.add("unvalidated", \.unvalidated, "whether a subscription may be made without its receiver's consent")
    }

    var sending: EventSendingSettings {
        EventSendingSettings(
            origin: origin, publicURL: publicURL, addresses: AddressPolicy(allowing: allowedNetworks),
            eventBytesMax: eventBytes.bytes, filesFolder: files.isEmpty ? nil : files,
            files: EventFileRules(bytesMax: fileBytes.bytes, kept: filesKept))
    }
}
