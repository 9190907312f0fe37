/// Why a text can't be read as YAML; the reason says line and column.
package struct YAMLError: Error, Hashable, CustomStringConvertible {
    package enum Code: Hashable, Sendable {
        case truncated, malformed, limit, unsupported
    }

    package let code: Code
    package let description: String

    init(_ code: Code, _ description: String) {
        self.code = code
        self.description = description
    }
}
