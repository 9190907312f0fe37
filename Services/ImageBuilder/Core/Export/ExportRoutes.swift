public import Access
internal import HTTP
internal import RPC

/// Images as files over plain HTTP, for `curl`:
///
///     GET /v1/images/{name}/{version}/archive?format=docker    for `docker load`; a number, `latest` or `@alias`
///     GET /v1/images/{name}/{version}/archive?format=oci       an OCI layout in a tar archive
public struct ExportRoutes: Sendable {
    private let exporter: ImageExport
    private let find: @Sendable (_ reference: String, _ caller: Caller) async throws -> StoredImage

    /// - Parameter find: an image of the caller's workspace by `name/version`, or `RPCError` `notFound`.
    public init(
        _ exporter: ImageExport,
        find: @escaping @Sendable (_ reference: String, _ caller: Caller) async throws -> StoredImage
    ) {
        self.exporter = exporter
        self.find = find
    }

    public func add(to routes: inout AccessRoutes) throws {
        try routes.add(.get, "/v1/images/{name}/{version}/archive", requires: .workspace(.reader)) {
            request, caller, responder in try await send(request, caller, responder)
        }
    }

    private func send(_ request: HTTPRequest, _ caller: Caller, _ responder: HTTPResponder) async throws {
        let format = FormFields(request.head.query ?? "")["format"] ?? "docker"
        guard format == "docker" || format == "oci" else {
            throw RPCError.badRequest(field: "format", "it is docker or oci")
        }
        let (name, version) = (request.parameters["name"] ?? "", request.parameters["version"] ?? "")
        let image = try await find(version.hasPrefix("@") ? name + version : "\(name)/\(version)", caller)
        let entityTag = "\"\(image.digest).\(format)\""
        var head = ResponseHead(
            status: 200,
            fields: [
                "etag": entityTag, "cache-control": "private, no-cache", "x-content-type-options": "nosniff",
            ])
        guard !HTTPRange.isKnown(request.head.fields, entityTag: entityTag) else {
            head.status = 304
            try await responder.send(head)
            return try await responder.finish()
        }
        let exported = try await exporter.open(image, isForDocker: format == "docker")
        head.fields.add("content-type", "application/x-tar")
        head.fields.add("content-length", "\(exported.size)")
        head.fields.add(
            "content-disposition",
            "attachment; filename=\"\(image.image.name)-\(image.image.version)\(format == "oci" ? ".oci" : "").tar\"")
        try await responder.send(head)
        if request.head.method != .head { try await exported.write { try await responder.write($0) } }
        try await responder.finish()
    }
}
