/// Why an archive, or an entry of it, can't be read.
package struct ZipError: Error, Hashable, CustomStringConvertible {
    package enum Code: Hashable, Sendable {
        case truncated, malformed, limit, unsupported
    }

    package let code: Code
    package let description: String

    package init(_ code: Code, _ description: String) {
        self.code = code
        self.description = description
    }
}
