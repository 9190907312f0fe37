internal import HTTP
internal import Protobuf
internal import RPC

/// A refusal in the words of the OCI distribution specification.
struct DistributionError: Error, Equatable {
    enum Code: String {
        case unauthorised = "UNAUTHORIZED"
        case denied = "DENIED"
        case nameUnknown = "NAME_UNKNOWN"
        case manifestUnknown = "MANIFEST_UNKNOWN"
        case blobUnknown = "BLOB_UNKNOWN"
        case digestInvalid = "DIGEST_INVALID"
        case pageInvalid = "PAGINATION_NUMBER_INVALID"
        case rangeInvalid = "RANGE_INVALID"
        case unsupported = "UNSUPPORTED"
        case tooManyRequests = "TOOMANYREQUESTS"
        case unavailable = "UNAVAILABLE"
        case unknown = "UNKNOWN"
    }

    var status: Int
    var code: Code
    var message: String
    var fields: HeaderFields = [:]

    init(_ status: Int, _ code: Code, _ message: String, fields: HeaderFields = [:]) {
        self.status = status
        self.code = code
        self.message = message
        self.fields = fields
    }

    static func == (left: DistributionError, right: DistributionError) -> Bool {
        (left.status, left.code, left.message) == (right.status, right.code, right.message)
    }

    /// What access and the tables refuse with; nil for what is not for callers.
    init?(_ error: any Error) {
        let failure: RPCError
        switch error {
        case let error as DistributionError:
            self = error
            return
        case let error as RPCError: failure = error
        case let error as any RPCErrorConvertible: failure = error.rpcError
        default: return nil
        }
        switch failure.code {
        case .unauthenticated: self.init(401, .unauthorised, failure.message)
        case .permissionDenied: self.init(403, .denied, failure.message)
        // A workspace of others is no more there than one that nobody has.
        case .notFound: self.init(404, .nameUnknown, failure.message)
        case .resourceExhausted: self.init(429, .tooManyRequests, failure.message)
        case .unavailable: self.init(503, .unavailable, failure.message)
        default: return nil
        }
        if let wait = failure.metadata["retry-after"] { fields.add("retry-after", wait) }
    }

    /// One text for all that is missing under a name, whether nobody has it or others do.
    static func noName(_ name: String) -> DistributionError {
        DistributionError(404, .nameUnknown, "there is no image \(name.prefix(300)) that this caller may see")
    }

    static func noManifest(_ reference: String, of name: String) -> DistributionError {
        DistributionError(
            404, .manifestUnknown, "the image \(name) has no version, alias or digest \"\(reference.prefix(200))\"")
    }

    static func noBlob(_ digest: String, of name: String) -> DistributionError {
        DistributionError(404, .blobUnknown, "no image \(name) has the blob \(digest.prefix(200))")
    }

    var json: [UInt8] {
        var json = JSONWriter()
        json.beginObject()
        json.key("errors")
        json.beginArray()
        json.element()
        json.beginObject()
        json.key("code")
        json.string(code.rawValue)
        json.key("message")
        json.string(message)
        json.endObject()
        json.endArray()
        json.endObject()
        return json.bytes
    }
}
