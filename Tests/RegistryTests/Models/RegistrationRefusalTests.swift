import ResourceKit
import Contracts
import Testing

@testable import RegistryCore

/// Everything that is said of a registration before the database is asked.
@Suite("a registration that is wrong") struct RegistrationRefusalTests {
    private static let digest = "sha256:" + String(repeating: "a", count: 64)

    private func refusals(_ change: (inout Models.RegisterRequest) -> Void) -> [String] {
        var request = Models.RegisterRequest(
            name: "churn", files: [Models.ModelFile(path: "model.bin", digest: Self.digest)])
        change(&request)
        do {
            _ = try Registration(request)
            return []
        } catch {
            return error.violations
        }
    }

    @Test("is refused with everything that is wrong with it at once")
    func everything() {
        let found = refusals { request in
            request.name = "no/name"
            request.tags = ["a!": "x"]
            request.metrics = ["auc": .nan]
            request.aliases = ["latest", "12", "Champion", "ok", "ok"]
        }
        #expect(
            found == [
                "name: \"no/name\" should be \(NameRules.model)", "aliases[0]: \"latest\" should be \(NameRules.alias)",
                "aliases[1]: \"12\" should be \(NameRules.alias)",
                "aliases[2]: \"Champion\" should be \(NameRules.alias)", "aliases[4]: \"ok\" is there twice",
                "tags[\"a!\"]: a key is \(NameRules.key)",
                "metrics[\"auc\"]: nan is no number that can be compared; leave the metric out",
            ])
    }

    @Test(
        "says what is wrong with a path, and where",
        arguments: [
            ("", "it is empty; a path is relative, such as model/model.onnx"),
            ("/etc/passwd", "\"/etc/passwd\" is absolute; a path is relative"),
            ("a/../b", "\"a/../b\" has the part \"..\"; name the file itself"),
            ("./a", "\"./a\" has the part \".\"; name the file itself"),
            ("a//b", "\"a//b\" has an empty part; one / between folders and none at the end"),
            ("a/", "\"a/\" has an empty part; one / between folders and none at the end"),
            ("a\\b", "\"a\\b\" has a backslash; folders are parted by /"),
            ("a\nb", "\"a\\u{a}b\" has a control character"), ("a\u{0}b", "\"a\\u{0}b\" has a control character"),
            ("a\u{85}b", "\"a\u{85}b\" has a control character"),
            (String(repeating: "x", count: 1025), "it has 1025 bytes; 1024 at most"),
        ])
    func path(_ path: String, _ fault: String) {
        #expect(refusals { $0.files[0].path = path } == ["files[0].path: \(fault)"])
    }

    @Test(
        "names the file that a path collides with",
        arguments: [
            (["a", "b", "a"], "files[2].path: \"a\" is the path of files[0] too"),
            (
                ["Model.bin", "model.BIN"],
                "files[1].path: \"model.BIN\" differs from files[0], \"Model.bin\", only in case"
            ),
            (["a", "a/b"], "files[1].path: \"a/b\" lies in files[0], \"a\", which is a file"),
            (["x/y/z", "X/Y"], "files[0].path: \"x/y/z\" lies in files[1], \"X/Y\", which is a file"),
        ])
    func collision(_ paths: [String], _ fault: String) {
        let found = refusals { $0.files = paths.map { Models.ModelFile(path: $0, digest: Self.digest) } }
        #expect(found == [fault])
    }

    @Test("has 1 to 100,000 files")
    func count() {
        #expect(refusals { $0.files = [] } == ["files: there are 0; a version has 1 to 100000"])
        let many = (0...100_000).map { Models.ModelFile(path: "f\($0)", digest: Self.digest) }
        #expect(refusals { $0.files = many } == ["files: there are 100001; a version has 1 to 100000"])
    }

    @Test("says what a digest, a size, a parent and an id of a request should be")
    func values() {
        let found = refusals { request in
            request.files[0].digest = "SHA256:AA"
            request.files[0].sizeBytes = -1
            request.origin = Models.Origin(parents: ["churn@champion"])
            request.requestId = "a b"
        }
        #expect(
            found == [
                "request_id: \"a b\" should be up to 64 visible characters of ASCII",
                "origin.parents[0]: \"churn@champion\" should name a version by its number, as models:/name/3: what it was "
                    + "made from stays", "files[0].size_bytes: it is -1",
                "files[0].digest: \"SHA256:AA\" should be sha256: and 64 lower-case hexadecimal digits",
            ])
    }

    @Test("keeps to the limits of texts and labels")
    func limits() {
        let found = refusals { request in
            request.license = String(repeating: "l", count: 257)
            request.tags = ["k": String(repeating: "v", count: 1025)]
            request.properties = Dictionary(uniqueKeysWithValues: (0..<101).map { ("p\($0)", "") })
            request.metrics = Dictionary(uniqueKeysWithValues: (0..<1001).map { ("m\($0)", 1) })
            request.description = "a\0b"
        }
        #expect(
            found == [
                "description: it has a zero character", "license: it has 257 bytes; 256 at most",
                "tags[\"k\"]: it has 1025 bytes; 1024 at most", "properties: there are 101; 100 at most",
                "metrics: there are 1001; 1000 at most",
            ])
    }

    @Test("names as much of it as clients take with an error, and counts the rest")
    func many() {
        var request = Models.RegisterRequest(name: "churn")
        request.files = (0..<500).map { Models.ModelFile(path: "f\($0)", digest: "x") }
        do {
            _ = try Registration(request)
            Issue.record("it was not refused")
        } catch {
            #expect((10...100).contains(error.violations.count))
            let bytes = error.message.utf8.count + error.details.reduce(0) { $0 + $1.value.count }
            #expect(bytes < 5000)
            #expect(error.message.hasPrefix("500 things are wrong: files[0].digest: "))
            #expect(error.message.hasSuffix(" more"))
        }
    }

    @Test(
        "an address is kept without what opens it",
        arguments: [
            ("https://ada:token@host/repo.git", "https://host/repo.git"), ("https://token@host/r", "https://host/r"),
            ("https://host/r?private_token=x#y", "https://host/r"), ("ssh://git@host/r", "ssh://git@host/r"),
            ("ssh://git:secret@host:22/r", "ssh://git@host:22/r"), ("git@host:team/r.git", "git@host:team/r.git"),
            ("git:secret@host:team/r.git", "git@host:team/r.git"), ("https://host/a@b", "https://host/a@b"),
            ("s3://key:secret@bucket/path?v=1", "s3://bucket/path?v=1"), ("", ""), ("datasets/d:3", "datasets/d:3"),
        ])
    func credentials(_ given: String, _ kept: String) {
        #expect(RepositoryAddress.withoutCredentials(given) == kept)
    }
}
