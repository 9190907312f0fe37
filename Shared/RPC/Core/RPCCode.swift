/// The status codes of a call: gRPC's numbers, Connect's names.
public struct RPCCode: RawRepresentable, Hashable, Sendable, CustomStringConvertible {
    public let rawValue: Int

    public init(rawValue: Int) { self.rawValue = rawValue }

    public static let ok = RPCCode(rawValue: 0)
    public static let cancelled = RPCCode(rawValue: 1)
    public static let unknown = RPCCode(rawValue: 2)
    public static let invalidArgument = RPCCode(rawValue: 3)
    public static let deadlineExceeded = RPCCode(rawValue: 4)
    public static let notFound = RPCCode(rawValue: 5)
    public static let alreadyExists = RPCCode(rawValue: 6)
    public static let permissionDenied = RPCCode(rawValue: 7)
    public static let resourceExhausted = RPCCode(rawValue: 8)
    public static let failedPrecondition = RPCCode(rawValue: 9)
    public static let aborted = RPCCode(rawValue: 10)
    public static let outOfRange = RPCCode(rawValue: 11)
    public static let unimplemented = RPCCode(rawValue: 12)
    public static let `internal` = RPCCode(rawValue: 13)
    public static let unavailable = RPCCode(rawValue: 14)
    public static let dataLoss = RPCCode(rawValue: 15)
    public static let unauthenticated = RPCCode(rawValue: 16)

    private static let table: [(name: String, httpStatus: Int)] = [
        ("ok", 200), ("canceled", 499), ("unknown", 500), ("invalid_argument", 400), ("deadline_exceeded", 504),
        ("not_found", 404), ("already_exists", 409), ("permission_denied", 403), ("resource_exhausted", 429),
        ("failed_precondition", 400), ("aborted", 409), ("out_of_range", 400), ("unimplemented", 501),
        ("internal", 500), ("unavailable", 503), ("data_loss", 500), ("unauthenticated", 401),
    ]

    /// The name in the Connect protocol: `invalid_argument`. A number without a name is `unknown`.
    public var name: String { RPCCode.table.indices.contains(rawValue) ? RPCCode.table[rawValue].name : "unknown" }

    /// The HTTP status that the Connect protocol gives a unary call that ended so; `RPCError.httpStatus` knows more.
    public var httpStatus: Int { RPCCode.table.indices.contains(rawValue) ? RPCCode.table[rawValue].httpStatus : 500 }

    public var description: String { name }

    /// The code of a Connect name; nil where there is none such.
    public init?(name: String) {
        guard let index = RPCCode.table.firstIndex(where: { $0.name == name }), index > 0 else { return nil }
        self.init(rawValue: index)
    }

    /// What a response's HTTP status means where it came without a status of its own; gRPC and Connect agree.
    public init(responseStatus status: Int) {
        self =
            switch status {
            case 400: .internal
            case 401: .unauthenticated
            case 403: .permissionDenied
            case 404: .unimplemented
            case 429, 502, 503, 504: .unavailable
            default: .unknown
            }
    }
}
