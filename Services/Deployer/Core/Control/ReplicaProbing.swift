package import HTTP
internal import Loop

/// Asks replicas how they are.
package protocol ReplicaProbing: Sendable {
    /// - Returns: nil where it is ready, and otherwise why it is not.
    func ask(_ address: String, key: String, timeout: Duration) async -> String?
}

/// Asks at `/readyz` with the replica's key, on connections that are kept.
package struct HTTPProbing: ReplicaProbing {
    private let client: HTTPClient

    package init(_ client: HTTPClient) { self.client = client }

    package func ask(_ address: String, key: String, timeout: Duration) async -> String? {
        guard let place = SocketAddress(address) else { return "\(address) is no address" }
        let authority = if case .tcp = place { address } else { "localhost" }
        var fields = HeaderFields()
        fields.set("authorization", "Bearer \(key)")
        let request = RequestHead(
            method: .get, authority: authority, path: "/readyz", fields: fields, version: .http11)
        do {
            return try await client.execute(request, address: place, deadline: timeout) { head, body in
                guard head.status != 200 else { return nil }
                let text = (try? await body.collect(upTo: 1000)).map { String(decoding: $0, as: UTF8.self) } ?? ""
                return "/readyz answers \(head.status)" + (text.isEmpty ? "" : ": \(text)")
            }
        } catch {
            return "/readyz does not answer: \(error)"
        }
    }
}
