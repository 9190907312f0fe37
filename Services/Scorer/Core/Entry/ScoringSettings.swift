public import ServiceKit

/// What operators may say of scoring, whatever the dialect.
public struct ScoringSettings: ConfigurationSection {
    public var model = ""
    public var timing = true
    public var collection = CollectionSettings()

    public init() {}

    public static func describe(_ keys: inout ConfigurationKeys<ScoringSettings>) {
        keys.add("model", \.model, "the model behind /score and /invocations; none, the only one")
        keys.add("timing", \.timing, "say in each answer (slipway-timing) where its time went")
        keys.add("collection", \.collection)
    }
}
