/// Why bytes or JSON could not be read as a message, or a message could not be written as JSON.
public struct ProtobufError: Error, Hashable, Sendable, CustomStringConvertible {
    public enum Code: String, Hashable, Sendable {
        /// The input ends inside a value, or a length claims more bytes than there are.
        case truncated
        /// The input breaks the rules of the encoding.
        case malformed
        case invalidUTF8
        /// Messages are nested deeper than the limit.
        case tooDeep
        /// The input, or what would be written, is larger than the limit.
        case tooLarge
        /// A value has the wrong type or form for its field.
        case invalidValue
        case outOfRange
        case unknownField
        /// A field, or a second member of its oneof, is given twice.
        case duplicateField
        /// An `Any` names a type that the registry does not know.
        case unknownType
    }

    public var code: Code
    /// What is wrong, in words for a person.
    public var reason: String
    /// Where in the message: field names, indices and keys, as `models[3].labels["owner"]`; empty at the top.
    public var path: String
    /// How many bytes into the input the trouble was noticed, when the input was bytes or JSON text.
    public var offset: Int?

    public init(_ code: Code, _ reason: String, path: String = "", offset: Int? = nil) {
        self.code = code
        self.reason = reason
        self.path = path
        self.offset = offset
    }

    public var description: String {
        var text = path.isEmpty ? reason : "\(path): \(reason)"
        if let offset { text += " (at byte \(offset))" }
        return text
    }

    /// The same error seen from one level further out.
    func inside(_ component: String) -> ProtobufError {
        var outer = self
        if path.isEmpty || path.hasPrefix("[") {
            outer.path = component + path
        } else {
            outer.path = component + "." + path
        }
        return outer
    }
}
