import Glibc

/// A request's method. Methods are case-sensitive.
public enum HTTPMethod: Hashable, Sendable, CustomStringConvertible {
    case get
    case head
    case post
    case put
    case delete
    case patch
    case options
    case connect
    case trace
    case other(String)

    public init(_ text: String) {
        switch text {
        case "GET": self = .get
        case "HEAD": self = .head
        case "POST": self = .post
        case "PUT": self = .put
        case "DELETE": self = .delete
        case "PATCH": self = .patch
        case "OPTIONS": self = .options
        case "CONNECT": self = .connect
        case "TRACE": self = .trace
        default: self = .other(text)
        }
    }

    init(bytes: UnsafeRawBufferPointer) {
        if bytes.count == 4, memcmp(bytes.baseAddress!, "POST", 4) == 0 {
            self = .post
        } else if bytes.count == 3, memcmp(bytes.baseAddress!, "GET", 3) == 0 {
            self = .get
        } else {
            self.init(String(decoding: bytes, as: UTF8.self))
        }
    }

    public var description: String {
        switch self {
        case .get: "GET"
        case .head: "HEAD"
        case .post: "POST"
        case .put: "PUT"
        case .delete: "DELETE"
        case .patch: "PATCH"
        case .options: "OPTIONS"
        case .connect: "CONNECT"
        case .trace: "TRACE"
        case .other(let text): text
        }
    }
}

public enum HTTPVersion: Sendable, CustomStringConvertible {
    case http10
    case http11
    case http2

    public var description: String {
        switch self {
        case .http10: "HTTP/1.0"
        case .http11: "HTTP/1.1"
        case .http2: "HTTP/2"
        }
    }
}

/// The head of a request, in either direction.
public struct RequestHead: Sendable {
    public var method: HTTPMethod
    public var version: HTTPVersion
    public var fields: HeaderFields
    var pathSlot = HeaderFields.Slot()
    var authoritySlot = HeaderFields.Slot()
    var schemeSlot = HeaderFields.Slot()

    init(version: HTTPVersion) {
        method = .get
        self.version = version
        fields = HeaderFields(reservingFor: 448)
    }

    /// - Parameter path: the request target with its query, as it goes over the wire.
    public init(
        method: HTTPMethod, scheme: String = "http", authority: String, path: String, fields: HeaderFields = [:],
        version: HTTPVersion = .http2
    ) {
        self.method = method
        self.version = version
        self.fields = fields
        pathSlot = keep(path)
        authoritySlot = keep(authority)
        schemeSlot = keep(scheme)
    }

    private mutating func keep(_ text: String) -> HeaderFields.Slot {
        var text = text
        return text.withUTF8 { fields.keep(UnsafeRawBufferPointer($0)) }
    }

    /// The request target as it was sent: percent-encoded path and query.
    public var target: String { fields.string(pathSlot) }
    public var authority: String { fields.string(authoritySlot) }
    public var scheme: String { fields.string(schemeSlot) }

    /// The target without its query, still percent-encoded.
    public var path: String {
        withTargetBytes { bytes in
            let end = bytes.firstIndex(of: UInt8(ascii: "?")) ?? bytes.count
            return String(decoding: bytes[..<end], as: UTF8.self)
        }
    }

    /// What follows the first `?`, still percent-encoded.
    public var query: String? {
        withTargetBytes { bytes in
            bytes.firstIndex(of: UInt8(ascii: "?")).map { String(decoding: bytes[($0 + 1)...], as: UTF8.self) }
        }
    }

    public func withTargetBytes<Result>(_ body: (UnsafeRawBufferPointer) throws -> Result) rethrows -> Result {
        try fields.withBytes(pathSlot, body)
    }
}

/// The head of a response, in either direction.
public struct ResponseHead: Sendable {
    public var status: Int
    public var fields: HeaderFields

    public init(status: Int, fields: HeaderFields = [:]) {
        self.status = status
        self.fields = fields
    }
}
