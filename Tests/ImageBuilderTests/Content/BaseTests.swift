import Blobs
import Glibc
import Loop
import OCI
import Tar
import Testing

@testable import ImageBuilderCore

@Suite("Images on a base")
struct BaseTests {
    private static func system() throws -> LayerContents {
        var contents = LayerContents()
        try contents.add(TarEntry(path: "etc/issue", size: 2), from: .bytes(Array("hi".utf8)))
        return contents
    }

    @Test("a base for another machine is refused, and both are named")
    func architecture() async throws {
        let shop = try Workshop()
        var ingredients = ImageIngredients.of(try await shop.model())
        ingredients.base = try await shop.base(Self.system(), architecture: "s390x")
        let failure = await #expect(throws: BuildFailure.self) { try await shop.assemble(ingredients) }
        #expect(failure?.code == "base.platform")
        #expect(failure?.message.contains("linux/s390x") == true)
        #expect(failure?.message.contains("\(Platform.current)") == true)
    }

    @Test("a base that Docker wrote becomes an image of today's kinds, with the same layers")
    func docker() async throws {
        let shop = try Workshop()
        var ingredients = ImageIngredients.of(try await shop.model())
        ingredients.base = try await shop.base(
            Self.system(), kinds: (MediaType.dockerManifest, MediaType.dockerGzipLayer))
        let image = try await shop.assemble(ingredients)
        let manifest = try Manifest(json: try await shop.bytes(image.manifest.digest)[...])
        #expect(manifest.mediaType == MediaType.manifest)
        #expect(manifest.layers.allSatisfy { $0.mediaType == MediaType.gzipLayer })
        #expect(image.layers.map(\.kind) == [.base, .runtime, .adapters, .models, .models])
        #expect(manifest.annotations["org.opencontainers.image.base.name"] == "example/base:1")
    }

    @Test("a layer that may not be passed on is refused")
    func foreign() async throws {
        let shop = try Workshop()
        var ingredients = ImageIngredients.of(try await shop.model())
        ingredients.base = try await shop.base(
            Self.system(),
            kinds: (MediaType.dockerManifest, "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip"))
        let failure = await #expect(throws: BuildFailure.self) { try await shop.assemble(ingredients) }
        #expect(failure?.code == "base.layer")
    }

    @Test("what the base says of a container stays, except how it is started and by whom")
    func configuration() async throws {
        let shop = try Workshop()
        var ingredients = ImageIngredients.of(try await shop.model())
        ingredients.base = try await shop.base(Self.system()) {
            $0.environment = ["ZONE=here", "PATH=/opt/bin:/bin", "EMPTY="]
            $0.entryPoint = ["/start"]
            $0.command = ["now"]
            $0.user = "app"
            $0.workingFolder = "/opt"
            $0.labels = ["vendor": "somebody"]
            $0.exposedPorts = ["9000/tcp"]
        }
        let image = try await shop.assemble(ingredients)
        let configuration = try await shop.configuration(image)
        #expect(
            configuration.environment.prefix(3) == ["ZONE=here", "PATH=/slipway/bin:/opt/bin:/bin", "EMPTY="])
        #expect(configuration.entryPoint == ["/slipway/bin/scorer", "serve"])
        #expect(configuration.command.isEmpty)
        #expect(configuration.user == "65532:65532")
        #expect(configuration.workingFolder == "/opt")
        #expect(configuration.labels["vendor"] == "somebody")
        #expect(configuration.exposedPorts == ["8080/tcp", "9000/tcp"])
        #expect(configuration.history.count { !$0.isEmptyLayer } == image.layers.count)
    }

    @Test("a layout of the machine is a base, only below the folder for layouts, and only with the bytes it names")
    func layout() async throws {
        let shop = try Workshop()
        let ingredient = try await shop.base(Self.system())
        let manifest = try Manifest(json: try await shop.bytes(ingredient.manifest.digest)[...])
        let root = "\(shop.folder)/layouts"
        try Workshop.shell("mkdir -p '\(root)/debian/blobs/sha256'")
        for digest in [ingredient.manifest.digest, manifest.configuration.digest] + manifest.layers.map(\.digest) {
            try Workshop.write(
                try await shop.bytes(digest), to: "\(root)/debian/blobs/sha256/\(digest.hexadecimal)")
        }
        try Workshop.write(ImageIndex(manifests: [ingredient.manifest]).json, to: "\(root)/debian/index.json")
        let other = MemoryBlobStore()
        let bases = BaseImages(store: other, client: nil, layouts: root, pool: shop.pool)
        let brought = try await bases.bring("oci:debian", for: .current)
        #expect(brought.base.manifest.digest == ingredient.manifest.digest)
        #expect(try await other.stat(manifest.layers.map(\.digest)).count == manifest.layers.count)

        func code(_ reference: String, _ bases: BaseImages) async throws -> String {
            do {
                _ = try await bases.bring(reference, for: .current)
                return "nothing"
            } catch let failure as BuildFailure {
                return failure.code
            }
        }
        let inner = BaseImages(store: MemoryBlobStore(), client: nil, layouts: "\(root)/debian/blobs", pool: shop.pool)
        #expect(try await code("oci:..", inner) == "base.layout")
        #expect(try await code("oci:\(root)/debian", inner) == "base.layout")
        #expect(try await code("oci:none", bases) == "base.missing")
        #expect(try await code("oci:debian:tag", bases) == "base.missing")
        #expect(try await code("busybox", bases) == "base.unavailable")
        let closed = BaseImages(store: MemoryBlobStore(), client: nil, layouts: "", pool: shop.pool)
        #expect(try await code("oci:debian", closed) == "base.layout")
        let layer = try #require(manifest.layers.first)
        try Workshop.write([1, 2, 3], to: "\(root)/debian/blobs/sha256/\(layer.digest.hexadecimal)")
        let empty = BaseImages(store: MemoryBlobStore(), client: nil, layouts: root, pool: shop.pool)
        #expect(try await code("oci:debian", empty) == "base.damaged")
    }

    @Test("layers above take away what was below: folders and links are found as they are in the end")
    func whiteouts() async throws {
        let shop = try Workshop()
        var contents = LayerContents()
        try contents.add(TarEntry(path: "lib", kind: .symbolicLink(to: "usr/lib")))
        try contents.add(TarEntry(path: "usr/lib", kind: .folder, mode: 0o711))
        try contents.add(TarEntry(path: "old/.wh.gone"), from: .bytes([]))
        let ingredient = try await shop.base(contents)
        let base = try await BaseImage(ingredient, for: .current, in: shop.store)
        let tree = try await BaseTree(of: base, in: shop.store)
        #expect(tree.folders.links == ["lib": "usr/lib"])
        #expect(tree.folders.entries["usr/lib"]?.mode == 0o711)
    }

    @Test("a base of more files than can be looked at is refused, and not gathered")
    func tooMany() async throws {
        let shop = try Workshop()
        var contents = LayerContents()
        for name in ["a", "b", "c"] { try contents.add(TarEntry(path: "d/\(name)"), from: .bytes([])) }
        let ingredient = try await shop.base(contents)
        let base = try await BaseImage(ingredient, for: .current, in: shop.store)
        let failure = await #expect(throws: BuildFailure.self) {
            try await BaseTree(of: base, in: shop.store, entriesMax: 2)
        }
        #expect(failure?.code == "base.size")
    }
}
