/// Appends JSON text. Commas are placed by `key` and `element`; nothing else needs to know what came before.
public struct JSONWriter {
    /// The text so far.
    public private(set) var bytes: [UInt8] = []
    public let options: JSONEncodingOptions
    private var isFirst = true

    public init(options: JSONEncodingOptions = JSONEncodingOptions()) {
        self.options = options
        bytes.reserveCapacity(128)
    }

    /// True when fields that hold their default are to be written too.
    public var includesDefaults: Bool { options.includesDefaults }

    public mutating func beginObject() { open(UInt8(ascii: "{")) }
    public mutating func endObject() { close(UInt8(ascii: "}")) }
    public mutating func beginArray() { open(UInt8(ascii: "[")) }
    public mutating func endArray() { close(UInt8(ascii: "]")) }

    private mutating func open(_ byte: UInt8) {
        bytes.append(byte)
        isFirst = true
    }

    private mutating func close(_ byte: UInt8) {
        bytes.append(byte)
        isFirst = false
    }

    /// Starts an element of an array.
    public mutating func element() {
        if !isFirst { bytes.append(UInt8(ascii: ",")) }
        isFirst = false
    }

    /// Starts a field. Both names are JSON-escaped already.
    public mutating func field(_ original: StaticString, _ json: StaticString) {
        element()
        let name = options.preservesFieldNames ? original : json
        bytes.append(UInt8(ascii: "\""))
        bytes.append(contentsOf: UnsafeBufferPointer(start: name.utf8Start, count: name.utf8CodeUnitCount))
        bytes.append(UInt8(ascii: "\""))
        bytes.append(UInt8(ascii: ":"))
    }

    public mutating func key(_ key: String) {
        element()
        string(key)
        bytes.append(UInt8(ascii: ":"))
    }

    public mutating func key(integer: some FixedWidthInteger) {
        element()
        quotedInteger(integer)
        bytes.append(UInt8(ascii: ":"))
    }

    public mutating func null() { raw("null") }
    public mutating func boolean(_ value: Bool) { raw(value ? "true" : "false") }
    public mutating func integer(_ value: some FixedWidthInteger) { raw(String(value)) }

    /// 64-bit integers are strings, because JavaScript's numbers cannot hold them.
    public mutating func quotedInteger(_ value: some FixedWidthInteger) {
        bytes.append(UInt8(ascii: "\""))
        raw(String(value))
        bytes.append(UInt8(ascii: "\""))
    }

    public mutating func double(_ value: Double) {
        value.isFinite ? raw(value.description) : nonFinite(isNaN: value.isNaN, isNegative: value < 0)
    }

    public mutating func float(_ value: Float) {
        value.isFinite ? raw(value.description) : nonFinite(isNaN: value.isNaN, isNegative: value < 0)
    }

    private mutating func nonFinite(isNaN: Bool, isNegative: Bool) {
        raw(isNaN ? "\"NaN\"" : isNegative ? "\"-Infinity\"" : "\"Infinity\"")
    }

    /// Text that is JSON already.
    mutating func raw(_ text: String) { bytes.append(contentsOf: text.utf8) }

    public mutating func string(_ value: String) {
        bytes.append(UInt8(ascii: "\""))
        var value = value
        value.withUTF8 { text in
            var plain = 0
            for index in text.indices {
                let byte = text[index]
                if byte >= 0x20, byte != UInt8(ascii: "\""), byte != UInt8(ascii: "\\") { continue }
                bytes.append(contentsOf: UnsafeBufferPointer(rebasing: text[plain..<index]))
                escape(byte)
                plain = index + 1
            }
            bytes.append(contentsOf: UnsafeBufferPointer(rebasing: text[plain...]))
        }
        bytes.append(UInt8(ascii: "\""))
    }

    private mutating func escape(_ byte: UInt8) {
        switch byte {
        case UInt8(ascii: "\""): raw("\\\"")
        case UInt8(ascii: "\\"): raw("\\\\")
        case 0x08: raw("\\b")
        case 0x09: raw("\\t")
        case 0x0a: raw("\\n")
        case 0x0c: raw("\\f")
        case 0x0d: raw("\\r")
        default:
            let hex = String(byte, radix: 16)
            raw(hex.count == 1 ? "\\u000\(hex)" : "\\u00\(hex)")
        }
    }

    /// `bytes` as standard base64 with padding.
    public mutating func base64(_ value: Bytes) {
        bytes.append(UInt8(ascii: "\""))
        Base64.encode(value, into: &bytes)
        bytes.append(UInt8(ascii: "\""))
    }
}
