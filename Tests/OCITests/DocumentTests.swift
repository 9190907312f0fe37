import Blobs
import OCI
import Testing

@Suite("Documents of images")
struct DocumentTests {
    static func digest(_ text: String) throws -> BlobDigest { try BlobHasher.digest(Array(text.utf8)) }

    static func configuration() throws -> ImageConfiguration {
        ImageConfiguration(
            platform: Platform(architecture: "amd64"), user: "10001:10001", environment: ["PATH=/bin"],
            entryPoint: ["/bin/scorer", "serve"], workingFolder: "/", labels: ["b": "2", "a": "1"],
            exposedPorts: ["8080/tcp"],
            healthCheck: ImageConfiguration.HealthCheck(
                test: ["CMD", "/bin/scorer", "health"], intervalNanoseconds: 10, timeoutNanoseconds: 2,
                startNanoseconds: 3, retries: 3),
            layerContents: [try digest("layer")], history: [ImageConfiguration.Step(createdBy: "slipway: model")])
    }

    @Test("a configuration's text is fixed to the byte, keys sorted and without times")
    func configurationText() throws {
        let text = String(decoding: try Self.configuration().json, as: UTF8.self)
        let layer = try Self.digest("layer")
        #expect(
            text == #"{"architecture":"amd64","config":{"Entrypoint":["/bin/scorer","serve"],"Env":["PATH=/bin"],"#
                + #""ExposedPorts":{"8080/tcp":{}},"Healthcheck":{"Interval":10,"Retries":3,"StartPeriod":3,"#
                + #""Test":["CMD","/bin/scorer","health"],"Timeout":2},"Labels":{"a":"1","b":"2"},"#
                + #""User":"10001:10001","WorkingDir":"/"},"created":"1970-01-01T00:00:00Z","#
                + #""history":[{"created":"1970-01-01T00:00:00Z","created_by":"slipway: model"}],"os":"linux","#
                + #""rootfs":{"diff_ids":["\#(layer)"],"type":"layers"}}"#)
    }

    @Test("a configuration, a manifest and an index read back as they were written")
    func readsBack() throws {
        let configuration = try Self.configuration()
        #expect(try ImageConfiguration(json: configuration.json[...]) == configuration)
        let part = Descriptor(
            mediaType: MediaType.gzipLayer, digest: try Self.digest("l"), size: 7, annotations: ["k": "v"])
        let manifest = Manifest(
            configuration: Descriptor(mediaType: MediaType.configuration, digest: try Self.digest("c"), size: 2),
            layers: [part], annotations: ["model": "churn:3"])
        #expect(try Manifest(json: manifest.json[...]) == manifest)
        var pointer = part
        pointer.platform = Platform(architecture: "arm64", variant: "v8")
        let index = ImageIndex(manifests: [pointer])
        #expect(try ImageIndex(json: index.json[...]) == index)
    }

    @Test(
        "a document that lacks what is needed is refused, saying what",
        arguments: [
            (#"{"schemaVersion":1}"#, "a manifest of schema 1; 2 is understood"),
            (#"{"schemaVersion":2,"layers":[]}"#, "a manifest without configuration or layers"),
            (#"{"schemaVersion":2,"#, "the manifest can't be read"),
            (
                #"{"schemaVersion":2,"config":{"mediaType":"x","digest":"sha512:00","size":1},"layers":[]}"#,
                "no SHA-256"
            ),
            (#"{"schemaVersion":2,"config":{"mediaType":"x","size":1},"layers":[]}"#, "a descriptor needs"),
        ])
    func refused(text: String, reason: String) {
        let error = #expect(throws: OCIError.self) { _ = try Manifest(json: Array(text.utf8)[...]) }
        #expect(error?.message.contains(reason) == true, "\(String(describing: error))")
    }

    @Test("an index gives the image of a platform, and else says which there are")
    func platforms() throws {
        var arm = Descriptor(mediaType: MediaType.manifest, digest: try Self.digest("a"), size: 1)
        arm.platform = Platform(architecture: "arm64", variant: "v8")
        var amd = arm
        amd.platform = Platform(architecture: "amd64")
        let index = ImageIndex(manifests: [arm, amd])
        #expect(try index.manifest(for: Platform(architecture: "amd64")) == amd)
        #expect(throws: OCIError(.notFound, "no image for linux/s390x; there are linux/arm64/v8, linux/amd64")) {
            _ = try index.manifest(for: Platform(architecture: "s390x"))
        }
    }
}

@Suite("Names of images")
struct ImageReferenceTests {
    @Test(
        "short and long forms name the same as docker understands them",
        arguments: [
            ("python", "docker.io/library/python", "latest"),
            ("python:3.11-slim", "docker.io/library/python:3.11-slim", "3.11-slim"),
            ("team/churn", "docker.io/team/churn", "latest"),
            ("localhost/churn:1", "localhost/churn:1", "1"),
            ("localhost:5000/team/churn", "localhost:5000/team/churn", "latest"),
            ("r.example:5000/a/b_c/d--e:v1", "r.example:5000/a/b_c/d--e:v1", "v1"),
            ("[::1]:5000/team/churn", "[::1]:5000/team/churn", "latest"),
        ])
    func forms(text: String, whole: String, target: String) throws {
        let reference = try ImageReference(text)
        #expect("\(reference)" == whole)
        #expect(reference.target == target)
    }

    @Test("a digest is what a registry is asked for, also beside a tag")
    func digest() throws {
        let name = "sha256:" + String(repeating: "0a", count: 32)
        #expect(try ImageReference("churn:3@\(name)").target == name)
    }

    @Test("what is no name is refused", arguments: ["", "Churn", "a//b", "a:b:c", "a@sha256:12", "-a", "a..b", "a:.x"])
    func refused(text: String) { #expect(throws: OCIError.self) { _ = try ImageReference(text) } }

    @Test(
        "a registry is a host and a port, and nothing that a URL would read otherwise",
        arguments: [
            "r.example#/a", "r.example?x=/a", "user:word.example/a", "r.example:99999/a", "r.example:/a",
            "r.example\n/a",
            "r.example\\x/a", ".r/a", "[::1/a", "[x.y]/a", "r example.x/a",
        ])
    func refusedRegistry(text: String) { #expect(throws: OCIError.self) { _ = try ImageReference(text) } }
}
