import HTTP
import Loop
import OCI
import Testing

@testable import Access
@testable import Blobs
@testable import Identity
@testable import ImageBuilderCore

@Suite("images over the distribution API", .timeLimit(.minutes(5))) struct DistributionRouteTests {
    @Test("an image is found by number, alias, latest and digest, and its parts under its name")
    func pull() async throws {
        try await withDistribution { web in
            let fixture = web.fixture
            let token = try await fixture.member("ada", [(fixture.lab, .reader)]).token
            let first = try await fixture.record("churn", [fixture.layer([("m", "1")])])
            let second = try await fixture.record("churn", [fixture.layer([("m", "2")])])
            try await fixture.setAlias("production", first)
            let ticket = try await web.ticket(token, scope: "repository:lab/churn:pull")
            for (reference, image) in [
                ("1", first), ("2", second), ("latest", second), ("production", first), ("\(first.digest)", first),
            ] {
                let path = "/v2/lab/churn/manifests/\(reference)"
                let answer = try await web.send(.get, path, authorization: ticket)
                #expect(answer.status == 200, "\(reference): \(answer.text)")
                #expect(try BlobHasher.digest(answer.body) == image.digest)
                #expect(answer.fields["docker-content-digest"] == "\(image.digest)")
                #expect(answer.fields["content-type"] == MediaType.manifest)
                #expect(answer.fields["docker-distribution-api-version"] == "registry/2.0")
                let head = try await web.send(.head, path, authorization: ticket)
                #expect(head.status == 200 && head.body == [])
                #expect(head.fields["content-length"] == "\(answer.body.count)")
                let known = try await web.send(
                    .get, path, ["if-none-match": "\"\(image.digest)\""], authorization: ticket)
                #expect(known.status == 304 && known.body == [])
                for part in [try Manifest(json: answer.body[...]).configuration]
                    + (try Manifest(json: answer.body[...])).layers
                {
                    let blob = try await web.send(.get, "/v2/lab/churn/blobs/\(part.digest)", authorization: ticket)
                    #expect(blob.status == 200 && blob.fields["content-length"] == "\(part.size)")
                    #expect(try BlobHasher.digest(blob.body) == part.digest)
                }
            }
        }
    }

    @Test("a blob is sent whole, in ranges, or not at all where it is known")
    func ranges() async throws {
        try await withDistribution { web in
            let fixture = web.fixture
            let token = try await fixture.member("ada", [(fixture.lab, .reader)]).token
            let layer = try await fixture.layer([("m", String(repeating: "abcdefg", count: 200_000))])
            try await fixture.record("churn", [layer])
            let path = "/v2/lab/churn/blobs/\(layer.digest)"
            let bearer = DistributionWeb.bearer(token)
            let whole = try await web.send(.get, path, authorization: bearer)
            let size = whole.body.count
            let part = try await web.send(.get, path, ["range": "bytes=10-"], authorization: bearer)
            #expect(part.status == 206 && part.body == Array(whole.body[10...]))
            #expect(part.fields["content-range"] == "bytes 10-\(size - 1)/\(size)")
            let beyond = try await web.send(.get, path, ["range": "bytes=\(size)-"], authorization: bearer)
            #expect(beyond.status == 416 && beyond.code == "RANGE_INVALID")
            #expect(beyond.fields["content-range"] == "bytes */\(size)")
            let head = try await web.send(.head, path, authorization: bearer)
            #expect(head.status == 200 && head.body == [] && head.fields["content-length"] == "\(size)")
            #expect(head.fields["accept-ranges"] == "bytes")
            let known = try await web.send(.get, path, ["if-none-match": "\"\(layer.digest)\""], authorization: bearer)
            #expect(known.status == 304)
        }
    }

    @Test("who may not read a workspace learns nothing of it, and a digest alone opens nothing")
    func separation() async throws {
        try await withDistribution { web in
            let fixture = web.fixture
            let token = try await fixture.member("ada", [(fixture.lab, .reader)]).token
            let bearer = DistributionWeb.bearer(token)
            let secret = try await fixture.layer([("m", "secret")])
            let hidden = try await fixture.record("churn", [secret], in: fixture.attic)
            try await fixture.record("churn", [fixture.layer([("m", "open")])])
            func text(_ path: String) async throws -> String {
                let answer = try await web.send(.get, path, authorization: bearer)
                return "\(answer.status) \(answer.text)"
            }
            // In a workspace of others, in one that nobody has, and of a name that is not there: alike.
            let theirs = try await text("/v2/attic/churn/manifests/1")
            let nobodys = try await text("/v2/nowhere/churn/manifests/1")
            let missing = try await text("/v2/lab/nothing/manifests/1")
            #expect(theirs.replacing("attic/churn", with: "X") == nobodys.replacing("nowhere/churn", with: "X"))
            #expect(theirs.replacing("attic/churn", with: "X") == missing.replacing("lab/nothing", with: "X"))
            #expect(theirs.hasPrefix("404 ") && theirs.contains("NAME_UNKNOWN"))
            #expect(try await text("/v2/attic/churn/tags/list").contains("NAME_UNKNOWN"))
            #expect(try await text("/v2/lab/churn/manifests/\(hidden.digest)").contains("MANIFEST_UNKNOWN"))
            for path in ["/v2/lab/churn/blobs/\(secret.digest)", "/v2/lab/churn/blobs/\(hidden.digest)"] {
                let answer = try await web.send(.get, path, authorization: bearer)
                #expect(answer.status == 404 && answer.code == "BLOB_UNKNOWN")
            }
            #expect(try await text("/v2/attic/churn/blobs/\(secret.digest)").contains("NAME_UNKNOWN"))
        }
    }

    @Test("a deleted image can't be fetched any more, by whatever name")
    func deleted() async throws {
        try await withDistribution { web in
            let fixture = web.fixture
            let token = try await fixture.member("ada", [(fixture.lab, .reader)]).token
            let bearer = DistributionWeb.bearer(token)
            let layer = try await fixture.layer([("m", "1")])
            let image = try await fixture.record("churn", [layer])
            try await fixture.delete(image)
            for path in ["manifests/1", "manifests/latest", "manifests/\(image.digest)", "tags/list"] {
                let answer = try await web.send(.get, "/v2/lab/churn/\(path)", authorization: bearer)
                #expect(answer.status == 404 && answer.code == "NAME_UNKNOWN", "\(path): \(answer.text)")
            }
            #expect(
                try await web.send(.get, "/v2/lab/churn/blobs/\(layer.digest)", authorization: bearer).code
                    == "BLOB_UNKNOWN")
        }
    }

    @Test("tags and names come in pages, and the last page says that it is the last")
    func lists() async throws {
        try await withDistribution { web in
            let fixture = web.fixture
            let token = try await fixture.member("ada", [(fixture.lab, .reader), (fixture.attic, .reader)]).token
            let bearer = DistributionWeb.bearer(token)
            var last: StoredImage?
            for number in 1...11 {
                last = try await fixture.record("churn", [fixture.layer([("m", "\(number)")])])
            }
            try await fixture.setAlias("gold", try #require(last))
            try await fixture.record("demand", [fixture.layer([("m", "d")])])
            try await fixture.record("attic-only", [fixture.layer([("m", "a")])], in: fixture.attic)
            let all = try await web.send(.get, "/v2/lab/churn/tags/list", authorization: bearer)
            #expect(
                all.text
                    == #"{"name":"lab/churn","tags":["1","10","11","2","3","4","5","6","7","8","9","gold","latest"]}"#)
            #expect(all.fields["link"] == nil)
            let page = try await web.send(.get, "/v2/lab/churn/tags/list?n=2&last=10", authorization: bearer)
            #expect(page.text == #"{"name":"lab/churn","tags":["11","2"]}"#)
            #expect(page.fields["link"] == "</v2/lab/churn/tags/list?n=2&last=2>; rel=\"next\"")
            let rest = try await web.send(.get, "/v2/lab/churn/tags/list?n=2&last=gold", authorization: bearer)
            #expect(rest.text == #"{"name":"lab/churn","tags":["latest"]}"# && rest.fields["link"] == nil)
            #expect(
                try await web.send(.get, "/v2/lab/churn/tags/list?last=zzz", authorization: bearer).text
                    == #"{"name":"lab/churn","tags":[]}"#)
            #expect(
                try await web.send(.get, "/v2/lab/churn/tags/list?n=x", authorization: bearer).code
                    == "PAGINATION_NUMBER_INVALID")
            #expect(
                try await web.send(.get, "/v2/lab/churn/tags/list?n=0", authorization: bearer).text
                    == #"{"name":"lab/churn","tags":[]}"#)
            let names = try await web.send(.get, "/v2/_catalog", authorization: bearer)
            #expect(names.text == #"{"repositories":["attic/attic-only","lab/churn","lab/demand"]}"#)
            let some = try await web.send(.get, "/v2/_catalog?n=1&last=attic/attic-only", authorization: bearer)
            #expect(some.text == #"{"repositories":["lab/churn"]}"#)
            #expect(some.fields["link"] == "</v2/_catalog?n=1&last=lab%2Fchurn>; rel=\"next\"")
            let other = try await fixture.member("bob", [(fixture.attic, .reader)]).token
            #expect(
                try await web.send(.get, "/v2/_catalog", authorization: DistributionWeb.bearer(other)).text
                    == #"{"repositories":["attic/attic-only"]}"#)
        }
    }

    @Test(
        "what is no image or part is refused in the specification's words",
        arguments: [
            ("GET", "/v2/lab/churn/manifests/7", 404, "MANIFEST_UNKNOWN"),
            ("GET", "/v2/lab/churn/manifests/007", 404, "MANIFEST_UNKNOWN"),
            ("GET", "/v2/lab/churn/manifests/99999999999", 404, "MANIFEST_UNKNOWN"),
            ("GET", "/v2/lab/churn/manifests/sha256:00", 404, "MANIFEST_UNKNOWN"),
            ("GET", "/v2/lab/churn/blobs/sha256:00", 400, "DIGEST_INVALID"),
            ("GET", "/v2/lab/team/churn/manifests/1", 404, "NAME_UNKNOWN"),
            ("GET", "/v2/churn/manifests/1", 404, "NAME_UNKNOWN"),
            ("GET", "/v2/lab/churn/referrers/x", 404, "NAME_UNKNOWN"),
            ("POST", "/v2/lab/churn/blobs/uploads/", 405, "UNSUPPORTED"),
            ("PUT", "/v2/lab/churn/manifests/1", 405, "UNSUPPORTED"),
            ("DELETE", "/v2/lab/churn/manifests/1", 405, "UNSUPPORTED"),
            ("PATCH", "/v2/lab/churn/blobs/uploads/x", 405, "UNSUPPORTED"),
        ])
    func refusals(method: String, path: String, status: Int, code: String) async throws {
        try await withDistribution { web in
            let fixture = web.fixture
            let token = try await fixture.member("ada", [(fixture.lab, .owner)]).token
            try await fixture.record("churn", [fixture.layer([("m", "1")])])
            let answer = try await web.send(HTTPMethod(method), path, authorization: DistributionWeb.bearer(token))
            #expect(answer.status == status && answer.code == code, "\(answer.status) \(answer.text)")
            #expect(answer.fields["content-type"] == "application/json")
        }
    }
}
