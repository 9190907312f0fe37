internal import Access
internal import HTTP
internal import Protobuf

extension DistributionRoutes {
    /// Answers a ticket that stands for the caller's token for a few minutes, and only where it was asked for: it reads
    /// images of the workspaces that the scopes name, and nothing else.
    ///
    /// What a scope names is not looked up: a ticket for a workspace of others opens nothing.
    func issue(
        _ form: FormFields, _ password: String?, _ request: HTTPRequest, _ control: AccessControl,
        _ responder: HTTPResponder
    ) async throws {
        var token: TokenProof?
        if !control.isOpen {
            if let password {
                token = try DistributionProof.token(password)
            } else if case .token(let shown) = try DistributionProof(request.head.fields, tickets, now: now()) {
                // A ticket makes no other: it would never end.
                token = shown
            }
        }
        _ = try await control.authorize(
            .signedIn, token: token, peer: request.peer, workspace: nil, for: "GET /v2/token")
        let seconds = max(60, settings.ticketLifetime.components.seconds)
        // Where nobody is asked for anything, and for a certificate, which counts by itself, any text will do.
        let text = token.map { token in
            tickets.seal(
                AccessTicket(
                    token: token, scopes: DistributionScope.places(form.all("scope")), expires: now() + seconds))
        }
        var json = JSONWriter()
        json.beginObject()
        for name in ["token", "access_token"] {
            json.key(name)
            json.string(text ?? "none-needed")
        }
        json.key("expires_in")
        json.integer(seconds)
        json.endObject()
        try await DistributionRoutes.respond(200, [:], json.bytes, responder)
    }
}
