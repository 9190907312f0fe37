internal import Access
internal import HTTP
internal import Protobuf

/// Part of a list, as registries page: at most so many, and only what comes behind the last that is known.
private struct Page {
    static let sizeMax = 1000

    let size: Int
    let last: String?

    /// - Throws: `DistributionError`.
    init(_ request: HTTPRequest) throws {
        let form = FormFields(request.head.query ?? "")
        last = form["last"].flatMap { $0.isEmpty ? nil : $0 }
        guard let asked = form["n"] else {
            size = Page.sizeMax
            return
        }
        guard let number = Int(asked), number >= 0 else {
            throw DistributionError(400, .pageInvalid, "n is how many to list: a number from 0")
        }
        size = min(number, Page.sizeMax)
    }

    /// - Parameter items: one more than fits, where there are more.
    func send(
        _ items: [String], _ key: String, _ name: String?, _ request: HTTPRequest, _ responder: HTTPResponder
    ) async throws {
        let shown = items.prefix(size)
        var fields = HeaderFields()
        if items.count > size, let last = shown.last {
            let encoded = PercentEncoding.encode(last.utf8) { byte in
                (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
                    || [0x2D, 0x2E, 0x5F, 0x7E].contains(byte)
            }
            fields.add("link", "<\(request.head.path)?n=\(size)&last=\(encoded)>; rel=\"next\"")
        }
        var json = JSONWriter()
        json.beginObject()
        if let name {
            json.key("name")
            json.string(name)
        }
        json.key(key)
        json.beginArray()
        for item in shown {
            json.element()
            json.string(item)
        }
        json.endArray()
        json.endObject()
        try await DistributionRoutes.respond(200, fields, json.bytes, responder)
    }
}

extension DistributionRoutes {
    func sendTags(_ request: HTTPRequest, _ workspace: Workspace, _ responder: HTTPResponder) async throws {
        let page = try Page(request)
        let name = request.parameters["name"] ?? ""
        guard
            let tags = try await catalogue.tags(name, in: workspace, after: page.last, limit: page.size + 1)
        else { throw DistributionError.noName("\(workspace.name)/\(name)") }
        try await page.send(tags, "tags", "\(workspace.name)/\(name)", request, responder)
    }

    /// The images of every workspace that the caller may read.
    func list(_ request: HTTPRequest, _ control: AccessControl, _ responder: HTTPResponder) async throws {
        let page = try Page(request)
        let token =
            control.isOpen
            ? nil
            : try DistributionProof(request.head.fields, tickets, now: now()).token(for: DistributionProof.everything)
        let callers = try await control.callers(
            .workspace(.reader), token: token, peer: request.peer, for: "GET /v2/_catalog")
        var after: CataloguedName?
        if let last = page.last {
            let parts = last.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
            after = CataloguedName(workspace: String(parts[0]), name: parts.count == 2 ? String(parts[1]) : "")
        }
        let names = try await catalogue.names(in: callers.compactMap(\.workspace), after: after, limit: page.size + 1)
        try await page.send(names.map(\.description), "repositories", nil, request, responder)
    }
}
