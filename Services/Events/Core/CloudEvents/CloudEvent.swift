import HTTP
import ServiceKit

/// An event in the form of CloudEvents 1.0.
struct CloudEvent {
    struct Attribute: Hashable {
        let name: String
        let value: String
    }

    /// In the order in which they are written: those that must be there, those that may, then extensions.
    let attributes: [Attribute]
    /// A JSON document; nil where a link stands for it.
    let data: String?

    static let structuredType = "application/cloudevents+json; charset=utf-8"
    static let batchType = "application/cloudevents-batch+json; charset=utf-8"
    static let dataType = "application/json"

    /// - Parameter link: where the data can be had, in their place.
    init(_ event: EventRecord, link: String? = nil) {
        var attributes: [Attribute] = []
        /// An attribute without a value is left out: none may be empty.
        func add(_ name: String, _ value: String) {
            if !value.isEmpty { attributes.append(Attribute(name: name, value: CloudEvent.allowed(value))) }
        }
        add("specversion", "1.0")
        add("id", event.id)
        add("source", CloudEvent.reference(event.source))
        add("type", event.type)
        add("subject", event.subject)
        add("time", event.time.description)
        if link == nil { add("datacontenttype", CloudEvent.dataType) }
        add("dataschema", CloudEvent.reference(event.dataSchema))
        add("workspace", event.workspace)
        add("actor", event.actor)
        add("traceparent", CloudEvent.traceParent(event))
        if event.cursor != .start { add("sequence", CloudEvent.sequence(event)) }
        if let link { add("dataref", CloudEvent.reference(link)) }
        self.attributes = attributes
        data = link == nil ? event.data : nil
    }

    /// The event as one JSON document.
    var structured: [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(
            attributes.reduce(16 + (data?.utf8.count ?? 0)) { $0 + $1.name.utf8.count + $1.value.utf8.count + 8 })
        var separator = UInt8(ascii: "{")
        for attribute in attributes {
            bytes.append(separator)
            separator = UInt8(ascii: ",")
            JSONText.append(attribute.name, to: &bytes)
            bytes.append(UInt8(ascii: ":"))
            JSONText.append(attribute.value, to: &bytes)
        }
        if let data {
            bytes.append(contentsOf: ",\"data\":".utf8)
            bytes.append(contentsOf: data.utf8)
        }
        bytes.append(UInt8(ascii: "}"))
        return bytes
    }

    static func batch(_ documents: [[UInt8]]) -> [UInt8] {
        var bytes: [UInt8] = [UInt8(ascii: "[")]
        for (index, document) in documents.enumerated() {
            if index > 0 { bytes.append(UInt8(ascii: ",")) }
            bytes += document
        }
        bytes.append(UInt8(ascii: "]"))
        return bytes
    }

    /// The attributes as headers; the data are the body. `datacontenttype` is the body's own type.
    var binaryHeaders: [(name: String, value: String)] {
        attributes.compactMap { attribute in
            attribute.name == "datacontenttype"
                ? ("content-type", attribute.value) : ("ce-\(attribute.name)", CloudEvent.headerValue(attribute.value))
        }
    }

    // MARK: Rules for values

    /// As headers carry text: what is not printable ASCII, the space, the quote and the percent sign in percent encoding.
    static func headerValue(_ text: String) -> String {
        PercentEncoding.encode(text) { byte in
            (0x21...0x7e).contains(byte) && byte != UInt8(ascii: "\"") && byte != UInt8(ascii: "%")
        }
    }

    /// Control characters and those that are none have no place in an attribute.
    private static func allowed(_ text: String) -> String {
        guard !text.utf8.allSatisfy({ (0x20...0x7e).contains($0) }) else { return text }
        var scalars = String.UnicodeScalarView()
        for scalar in text.unicodeScalars {
            let isControl = scalar.value < 0x20 || (0x7f...0x9f).contains(scalar.value)
            let isNone = scalar.value & 0xfffe == 0xfffe || (0xfdd0...0xfdef).contains(scalar.value)
            scalars.append(isControl || isNone ? "\u{fffd}" : scalar)
        }
        return String(scalars)
    }

    /// A reference to a URI: what has no place in one is percent-encoded.
    private static func reference(_ text: String) -> String {
        PercentEncoding.encode(text) { byte in
            let letter = byte | 0x20
            return (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(letter)
                || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
                || "-._~:/?#[]@!$&'()*+,;=%".utf8.contains(byte)
        }
    }

    /// Sorted as texts these are in the journal's order.
    private static func sequence(_ event: EventRecord) -> String {
        func padded(_ number: String, _ digits: Int) -> String {
            String(repeating: "0", count: max(0, digits - number.utf8.count)) + number
        }
        return padded(String(event.cursor.transaction), 20) + "-" + padded(String(event.cursor.id), 19)
    }

    /// The journal knows the trace; the event's own number stands for the place in it.
    private static func traceParent(_ event: EventRecord) -> String {
        let digits = event.trace.utf8
        let isTrace =
            digits.count == 32 && digits.contains { $0 != UInt8(ascii: "0") }
            && digits.allSatisfy { (0x30...0x39).contains($0) || (0x61...0x66).contains($0) }
        guard isTrace else { return "" }
        let number = String(UInt64(bitPattern: max(1, event.cursor.id)), radix: 16)
        return "00-\(event.trace)-\(String(repeating: "0", count: 16 - number.utf8.count))\(number)-01"
    }
}
