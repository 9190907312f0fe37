/// A part of a configuration: a struct of defaults, and what each of its keys is for.
///
///     struct Settings: ConfigurationSection {
///         var address = "127.0.0.1:8080"
///         var grace = Duration.seconds(30)
///         var database = DatabaseSettings()
///
///         static func describe(_ keys: inout ConfigurationKeys<Settings>) {
///             keys.add("address", \.address, "where calls are taken")
///             keys.add("grace", \.grace, "how long calls under way may take when the service stops")
///             keys.add("database", \.database)
///         }
///     }
public protocol ConfigurationSection: Sendable {
    /// The defaults.
    init()
    static func describe(_ keys: inout ConfigurationKeys<Self>)
}

/// One key of a configuration, whatever its type.
struct ConfigurationKey<Root>: @unchecked Sendable {
    /// `database.pool_size`
    var path: String
    var help: String
    var isSecret: Bool
    /// A flag without a value means true.
    var isSwitch: Bool
    var set: (inout Root, ConfigurationText) throws(ConfigurationValueError) -> Void
    var text: (Root) -> String
    /// The secrets that the value holds, for redaction.
    var secrets: (Root) -> [Secret]
}

/// The keys of a section, in the order in which they are printed.
public struct ConfigurationKeys<Root> {
    var keys: [ConfigurationKey<Root>] = []

    /// Adds a value.
    public mutating func add<Value: ConfigurationValue>(
        _ name: String, _ path: WritableKeyPath<Root, Value>, _ help: String
    ) {
        keys.append(
            ConfigurationKey(
                path: name, help: help, isSecret: Value.isSecret, isSwitch: Value.self == Bool.self,
                set: { root, text throws(ConfigurationValueError) in root[keyPath: path] = try Value(text) },
                text: { $0[keyPath: path].configurationText },
                secrets: { root in
                    switch root[keyPath: path] as Any {
                    case let secret as Secret: [secret]
                    case let secrets as [Secret]: secrets
                    default: []
                    }
                }))
    }

    /// Adds the keys of a nested section.
    public mutating func add<Section: ConfigurationSection>(
        _ name: String, _ path: WritableKeyPath<Root, Section>
    ) {
        var nested = ConfigurationKeys<Section>()
        Section.describe(&nested)
        for key in nested.keys {
            keys.append(
                ConfigurationKey(
                    path: "\(name).\(key.path)", help: key.help, isSecret: key.isSecret,
                    isSwitch: key.isSwitch,
                    set: { root, text throws(ConfigurationValueError) in try key.set(&root[keyPath: path], text) },
                    text: { key.text($0[keyPath: path]) }, secrets: { key.secrets($0[keyPath: path]) }))
        }
    }
}
