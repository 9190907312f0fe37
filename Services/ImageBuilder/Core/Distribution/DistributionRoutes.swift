public import Access
public import Blobs
internal import Glibc
internal import HTTP
internal import OCI

/// The OCI distribution API for whoever fetches images: `docker pull HOST/WORKSPACE/NAME:2`. Pushes are refused: images
/// come from builds.
///
///     GET /v2/                                      whether the caller is known
///     GET /v2/token                                 a ticket for a token, as docker and its kin ask for one
///     GET /v2/WORKSPACE/NAME/manifests/REFERENCE    a number, an alias, `latest` or a digest
///     GET /v2/WORKSPACE/NAME/blobs/DIGEST           ranges
///     GET /v2/WORKSPACE/NAME/tags/list
///     GET /v2/_catalog
///
/// Whoever may not read a workspace can't tell whether it, or an image in it, exists. A blob is handed out only under the
/// name of an image that has it, so that knowing a digest is worth nothing.
public struct DistributionRoutes: Sendable {
    /// As it stands in challenges.
    static let service = "slipway"

    let catalogue: any ImageCatalogue
    let store: any BlobStore
    let tickets: AccessTickets
    let settings: DistributionSettings
    let now: @Sendable () -> Int64

    /// - Parameters:
    ///   - key: 32 secret bytes that every instance of the service has alike.
    ///   - now: seconds since 1970.
    public init(
        _ catalogue: any ImageCatalogue, store: any BlobStore, key: [UInt8],
        settings: DistributionSettings = DistributionSettings(),
        now: (@Sendable () -> Int64)? = nil
    ) {
        self.catalogue = catalogue
        self.store = store
        self.settings = settings
        self.now = now ?? { Int64(time(nil)) }
        tickets = AccessTickets(key: key)
    }

    public func add(to routes: inout AccessRoutes) throws {
        let control = routes.control
        for pattern in ["/v2", "/v2/"] {
            try routes.add(.get, pattern, requires: .signedIn, proving: proof(nil), failing: fail) { _, _, responder in
                try await DistributionRoutes.respond(200, [:], Array("{}".utf8), responder)
            }
        }
        try routes.add(.get, "/v2/token", requires: .anyone, failing: fail) { request, _, responder in
            try await issue(FormFields(request.head.query ?? ""), nil, request, control, responder)
        }
        try routes.add(.post, "/v2/token", requires: .anyone, failing: fail) { request, _, responder in
            let form = FormFields(String(decoding: try await request.body.collect(upTo: 16 << 10), as: UTF8.self))
            try await issue(form, form["refresh_token"] ?? form["password"], request, control, responder)
        }
        try routes.add(.get, "/v2/_catalog", requires: .anyone, failing: fail) { request, _, responder in
            try await list(request, control, responder)
        }
        let image = "/v2/{workspace}/{name}"
        try read("\(image)/manifests/{reference}", &routes, sendManifest)
        try read("\(image)/blobs/{digest}", &routes, sendBlob)
        try read("\(image)/tags/list", &routes, sendTags)
        try routes.add(.get, "/v2/{rest...}", requires: .signedIn, proving: proof(nil), failing: fail) {
            request, _, _ in throw DistributionError.noName(request.parameters["rest"] ?? "")
        }
        for method in [HTTPMethod.post, .put, .patch, .delete] {
            try routes.add(method, "/v2/{rest...}", requires: .anyone, failing: fail) { _, _, _ in
                throw DistributionError(
                    405, .unsupported,
                    "images come from builds (`slipway image build`); this registry takes no pushes and no deletions",
                    fields: ["allow": "GET, HEAD"])
            }
        }
    }

    private func read(
        _ pattern: String, _ routes: inout AccessRoutes,
        _ handle: @escaping @Sendable (HTTPRequest, Workspace, HTTPResponder) async throws -> Void
    ) throws {
        try routes.add(
            .get, pattern, requires: .workspace(.reader), proving: { try proof($0.parameters["workspace"])($0) },
            failing: fail
        ) { request, caller, responder in
            guard let workspace = caller.workspace else {
                throw DistributionError.noName(request.parameters["name"] ?? "")
            }
            try await handle(request, workspace, responder)
        }
    }

    private func proof(_ scope: String?) -> AccessRoutes.Proving {
        { try DistributionProof($0.head.fields, tickets, now: now()).token(for: scope) }
    }

    static func respond(
        _ status: Int, _ fields: HeaderFields, _ json: [UInt8], _ responder: HTTPResponder
    ) async throws {
        var fields = fields
        fields.set("content-type", "application/json")
        fields.set("content-length", "\(json.count)")
        mark(&fields)
        try await responder.respond(status, fields, json)
    }

    /// What every answer of a registry says of itself.
    static func mark(_ fields: inout HeaderFields) {
        fields.set("docker-distribution-api-version", "registry/2.0")
        fields.set("x-content-type-options", "nosniff")
        if !fields.contains("cache-control") { fields.add("cache-control", "no-store") }
    }
}

extension DistributionRoutes {
    /// Errors as the specification has them; who is nobody hears where to become somebody.
    func fail(_ error: any Error, _ request: HTTPRequest, _ responder: HTTPResponder) async throws {
        guard var failure = DistributionError(error) else { throw error }
        // A path that names a workspace of others looks as one whose image is missing.
        if failure.code == .nameUnknown, let workspace = request.parameters["workspace"] {
            failure = .noName("\(workspace)/\(request.parameters["name"] ?? "")")
        }
        if failure.status == 401 {
            let isToken = request.head.path == "/v2/token"
            failure.fields.set("www-authenticate", isToken ? "Basic realm=\"slipway\"" : challenge(request))
        }
        try await DistributionRoutes.respond(failure.status, failure.fields, failure.json, responder)
    }

    private func challenge(_ request: HTTPRequest) -> String {
        var text = "Bearer realm=\"\(address(request))/v2/token\",service=\"\(DistributionRoutes.service)\""
        if request.head.path == "/v2/_catalog" {
            text += ",scope=\"registry:catalog:*\""
        } else if let workspace = request.parameters["workspace"], let name = request.parameters["name"],
            ImageReference.isRepository("\(workspace)/\(name)")
        {
            text += ",scope=\"repository:\(workspace)/\(name):pull\""
        }
        if request.head.fields.contains("authorization") { text += ",error=\"invalid_token\"" }
        return text
    }

    /// Where the client found us, as it says itself.
    private func address(_ request: HTTPRequest) -> String {
        if !settings.publicAddress.isEmpty {
            return settings.publicAddress.hasSuffix("/")
                ? String(settings.publicAddress.dropLast()) : settings.publicAddress
        }
        let isPlain = request.head.authority.utf8.allSatisfy { byte in
            (0x30...0x3A).contains(byte) || (0x41...0x5B).contains(byte) || (0x61...0x7A).contains(byte)
                || [0x2D, 0x2E, 0x5D, 0x5F].contains(byte)
        }
        let authority = isPlain && !request.head.authority.isEmpty ? request.head.authority : "localhost"
        return (request.peer.isEncrypted ? "https://" : "http://") + authority
    }
}
