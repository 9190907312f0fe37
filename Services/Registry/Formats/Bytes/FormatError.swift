/// Why a file could not be read on as what it seemed to be.
struct FormatError: Error, Hashable {
    enum Code: Hashable {
        case truncated, malformed, limit, unsupported
    }

    var code: Code
    var reason: String
    var offset: Int?

    init(_ code: Code, _ reason: String, at offset: Int? = nil) {
        self.code = code
        self.reason = reason
        self.offset = offset
    }

    var message: String { offset.map { "\(reason) (at byte \($0))" } ?? reason }

    var warningCode: ModelWarning.Code {
        switch code {
        case .truncated: .truncated
        case .malformed: .malformed
        case .limit: .limit
        case .unsupported: .unsupported
        }
    }
}
