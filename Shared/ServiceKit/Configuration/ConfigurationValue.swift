import Loop

/// What a source said for a key: a scalar as it was written, or a list of scalars.
public enum ConfigurationText: Sendable, Equatable {
    case scalar(String)
    case list([String])
}

/// Why a text is not a value. `wanted` completes "must be …".
public struct ConfigurationValueError: Error {
    public let wanted: String
    public init(wanted: String) { self.wanted = wanted }
}

/// A type that a configuration may hold.
public protocol ConfigurationValue: Sendable {
    init(_ text: ConfigurationText) throws(ConfigurationValueError)
    /// As a configuration file would say it.
    var configurationText: String { get }
    static var isSecret: Bool { get }
}

extension ConfigurationValue {
    public static var isSecret: Bool { false }
}

/// A type whose value is one scalar.
public protocol ConfigurationScalar: ConfigurationValue {
    init(scalar: String) throws(ConfigurationValueError)
}

extension ConfigurationScalar {
    public init(_ text: ConfigurationText) throws(ConfigurationValueError) {
        guard case .scalar(let scalar) = text else { throw ConfigurationValueError(wanted: "one value, not a list") }
        try self.init(scalar: scalar)
    }
}

extension String: ConfigurationScalar {
    public init(scalar: String) throws(ConfigurationValueError) { self = scalar }

    public var configurationText: String {
        var quoted = "\""
        for scalar in unicodeScalars {
            switch scalar {
            case "\"": quoted += "\\\""
            case "\\": quoted += "\\\\"
            case "\n": quoted += "\\n"
            case "\t": quoted += "\\t"
            case "\r": quoted += "\\r"
            default: quoted.unicodeScalars.append(scalar)
            }
        }
        return quoted + "\""
    }
}

extension Bool: ConfigurationScalar {
    public init(scalar: String) throws(ConfigurationValueError) {
        switch scalar {
        case "true": self = true
        case "false": self = false
        default: throw ConfigurationValueError(wanted: "true or false")
        }
    }
    public var configurationText: String { "\(self)" }
}

extension ConfigurationValue where Self: FixedWidthInteger {
    public init(scalar: String) throws(ConfigurationValueError) {
        guard let value = Self(scalar.filter { $0 != "_" }) else {
            throw ConfigurationValueError(wanted: "a whole number from \(Self.min) to \(Self.max)")
        }
        self = value
    }
    public var configurationText: String { "\(self)" }
}
extension Int: ConfigurationScalar {}
extension UInt16: ConfigurationScalar {}

extension Double: ConfigurationScalar {
    public init(scalar: String) throws(ConfigurationValueError) {
        guard let value = Double(scalar), value.isFinite else { throw ConfigurationValueError(wanted: "a number") }
        self = value
    }
    public var configurationText: String { "\(self)" }
}

extension Duration: ConfigurationScalar {
    static let units: [(name: String, nanoseconds: Int64)] = [
        ("d", 86_400_000_000_000), ("h", 3_600_000_000_000), ("m", 60_000_000_000), ("s", 1_000_000_000),
        ("ms", 1_000_000), ("us", 1000), ("ns", 1),
    ]

    /// `30s`, `1m30s`, `250ms`, `0s`.
    public init(scalar: String) throws(ConfigurationValueError) {
        let wrong = ConfigurationValueError(wanted: "a duration such as 30s, 1m30s or 250ms")
        var rest = scalar[...]
        var total: Int64 = 0
        guard !rest.isEmpty else { throw wrong }
        while !rest.isEmpty {
            let digits = rest.prefix { $0.isASCII && $0.isNumber }
            rest = rest.dropFirst(digits.count)
            let name = rest.prefix { $0.isASCII && $0.isLetter }
            rest = rest.dropFirst(name.count)
            guard let count = Int64(digits), let unit = Duration.units.first(where: { $0.name == name }) else {
                throw wrong
            }
            let (product, tooLarge) = count.multipliedReportingOverflow(by: unit.nanoseconds)
            let (sum, overflow) = total.addingReportingOverflow(product)
            guard !tooLarge, !overflow else { throw wrong }
            total = sum
        }
        self = .nanoseconds(total)
    }

    public var configurationText: String {
        let total = wholeNanoseconds
        for unit in Duration.units where total != 0 && total.isMultiple(of: unit.nanoseconds) {
            return "\"\(total / unit.nanoseconds)\(unit.name)\""
        }
        return "\"0s\""
    }
}

extension ByteCount: ConfigurationScalar {
    public init(scalar: String) throws(ConfigurationValueError) {
        let digits = scalar.prefix { $0.isASCII && $0.isNumber }
        let name = scalar.dropFirst(digits.count)
        guard let count = Int(digits),
            let size = name.isEmpty ? 1 : ByteCount.units.first(where: { $0.name == name })?.size
        else { throw ConfigurationValueError(wanted: "a size such as 64MiB, 1GB or 512B") }
        let (bytes, overflow) = count.multipliedReportingOverflow(by: size)
        guard !overflow else { throw ConfigurationValueError(wanted: "a size below 8EiB") }
        self.init(bytes)
    }
    public var configurationText: String { "\"\(self)\"" }
}

extension Secret: ConfigurationScalar {
    public init(scalar: String) throws(ConfigurationValueError) { self.init(scalar) }
    public static var isSecret: Bool { true }
    public var configurationText: String { isEmpty ? "\"\"" : "\"\(self)\"" }
}

extension Optional: ConfigurationValue where Wrapped: ConfigurationValue {
    public init(_ text: ConfigurationText) throws(ConfigurationValueError) { self = .some(try Wrapped(text)) }
    public var configurationText: String { map(\.configurationText) ?? "" }
    public static var isSecret: Bool { Wrapped.isSecret }
}

extension Array: ConfigurationValue where Element: ConfigurationScalar {
    /// A list, or from a variable or a flag one text with commas.
    public init(_ text: ConfigurationText) throws(ConfigurationValueError) {
        self = []
        switch text {
        case .list(let list): for scalar in list { append(try Element(scalar: scalar)) }
        case .scalar(""): break
        case .scalar(let scalar):
            for part in scalar.split(separator: ",", omittingEmptySubsequences: false) {
                append(try Element(scalar: String(part.drop { $0 == " " })))
            }
        }
    }
    public var configurationText: String { "[\(map(\.configurationText).joined(separator: ", "))]" }
    public static var isSecret: Bool { Element.isSecret }
}

/// An enumeration of texts. Conform with an empty extension.
public protocol ConfigurationChoice: ConfigurationScalar, CaseIterable, RawRepresentable where RawValue == String {}

extension ConfigurationChoice {
    public init(scalar: String) throws(ConfigurationValueError) {
        guard let value = Self(rawValue: scalar) else {
            throw ConfigurationValueError(wanted: "one of \(Self.allCases.map(\.rawValue).joined(separator: ", "))")
        }
        self = value
    }
    public var configurationText: String { "\"\(rawValue)\"" }
}
