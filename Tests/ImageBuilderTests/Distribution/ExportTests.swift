import HTTP
import Loop
import OCI
import Tar
import Testing

@testable import Access
@testable import Blobs
@testable import Identity
@testable import ImageBuilderCore

@Suite("images as files", .timeLimit(.minutes(5))) struct ExportTests {
    private func paths(_ bytes: [UInt8]) throws -> [String: [UInt8]] {
        var (reader, found, path) = (TarReader(), [String: [UInt8]](), "")
        var input = bytes[...]
        while let event = try reader.next(&input) {
            switch event {
            case .entry(let entry):
                path = entry.path
                found[path] = []
            case .contents(let piece): found[path, default: []] += piece
            case .end: break
            }
        }
        return found
    }

    @Test("an archive has as many bytes as it said, and every part under its digest", arguments: [true, false])
    func archive(isForDocker: Bool) async throws {
        try await withImages { fixture in
            let layers = [
                try await fixture.layer([("m", String(repeating: "model ", count: 200_000))]),
                try await fixture.layer([("s", "script")]),
            ]
            let image = try await fixture.record("churn", layers)
            let exported = try await ImageExport(fixture.blobs).open(image, isForDocker: isForDocker)
            var bytes: [UInt8] = []
            try await exported.write { bytes += $0 }
            #expect(Int64(bytes.count) == exported.size)
            let found = try paths(bytes)
            for (path, content) in found where path.hasPrefix("blobs/sha256/") && !content.isEmpty {
                #expect(try BlobHasher.digest(content).hexadecimal == path.dropFirst("blobs/sha256/".count))
            }
            #expect(found.keys.filter { $0.hasPrefix("blobs/sha256/") }.count == 4)
            #expect(found["oci-layout"] != nil && found["index.json"] != nil)
            #expect((found["manifest.json"] != nil) == isForDocker)
            let index = try ImageIndex(json: try #require(found["index.json"])[...])
            #expect(index.manifests.map(\.digest) == [image.digest])
        }
    }

    @Test("an archive over plain HTTP has its length and name, and is refused to who may not read")
    func route() async throws {
        try await withImages { fixture in
            let image = try await fixture.record("churn", [fixture.layer([("m", "1")])])
            var routes = AccessRoutes(AccessControl(IdentitySource(fixture.pool)))
            try ExportRoutes(ImageExport(fixture.blobs)) { reference, caller in
                #expect(reference == "churn/1" && caller.workspace?.name == "lab")
                return image
            }.add(to: &routes)
            let server = HTTPServer(
                endpoints: [.init(.tcp(host: "127.0.0.1", port: 0))], loops: fixture.loops,
                handler: Routes(routes.table))
            try await server.start()
            let resolver = ComputePool(threads: 1, name: "resolver")
            try resolver.start()
            defer { resolver.stop() }
            let client = HTTPClient(loops: fixture.loops, resolver: resolver)
            let address = try #require(server.addresses.first)
            let web = DistributionWeb(
                fixture: fixture, address: address, client: client, clock: Lock(0))
            let token = DistributionWeb.bearer(try await fixture.member("ada", [(fixture.lab, .reader)]).token)
            let place: HeaderFields = ["slipway-workspace": "lab"]
            let docker = try await web.send(.get, "/v1/images/churn/1/archive", place, authorization: token)
            #expect(docker.status == 200 && docker.fields["content-length"] == "\(docker.body.count)")
            #expect(docker.fields["content-disposition"] == "attachment; filename=\"churn-1.tar\"")
            #expect(try paths(docker.body)["manifest.json"] != nil)
            let oci = try await web.send(.get, "/v1/images/churn/1/archive?format=oci", place, authorization: token)
            #expect(oci.status == 200 && oci.fields["etag"] == "\"\(image.digest).oci\"")
            #expect(try paths(oci.body)["manifest.json"] == nil)
            let head = try await web.send(.head, "/v1/images/churn/1/archive", place, authorization: token)
            #expect(head.body == [] && head.fields["content-length"] == "\(docker.body.count)")
            #expect(
                try await web.send(.get, "/v1/images/churn/1/archive?format=zip", place, authorization: token).status
                    == 400)
            #expect(try await web.send(.get, "/v1/images/churn/1/archive", place).status == 401)
            #expect(
                try await web.send(
                    .get, "/v1/images/churn/1/archive", ["slipway-workspace": "attic"], authorization: token
                ).status == 404)
            await client.close()
            await server.shutdown(grace: .zero)
        }
    }
}
