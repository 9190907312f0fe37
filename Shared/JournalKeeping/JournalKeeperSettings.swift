import ServiceKit

/// When a journal's upkeep is done, and what is kept.
public struct JournalKeeperSettings: ConfigurationSection {
    public var sealEvery = Duration.seconds(60)
    public var sealBatch = 10_000
    public var partitionsEvery = Duration.seconds(24 * 3600)
    public var monthsAhead = 2
    public var retainMonths: Int?
    public var retireEvery = Duration.seconds(24 * 3600)
    public var retryAfter = Duration.seconds(15)

    public init() {}

    public static func describe(_ keys: inout ConfigurationKeys<JournalKeeperSettings>) {
        keys.add("seal_every", \.sealEvery, "how often new entries of the journal are chained by their hashes")
        keys.add("seal_batch", \.sealBatch, "entries that one seal covers at most")
        keys.add("partitions_every", \.partitionsEvery, "how often it is seen to that coming months have partitions")
        keys.add("months_ahead", \.monthsAhead, "months after this one whose partitions are made already")
        keys.add("retain_months", \.retainMonths, "whole months that are kept before this one; none, everything is")
        keys.add("retire_every", \.retireEvery, "how often months that need not be kept are dropped")
        keys.add("retry_after", \.retryAfter, "the pause after a failure, and between attempts to become the keeper")
    }
}
