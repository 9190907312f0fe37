import OCI
import Tar
import Testing

@testable import ImageBuilderCore

@Suite("Steps of a recipe")
struct StepTests {
    static let files = ["app/run.sh": "#!", "app/lib/a.txt": "a", "note.txt": "n"]

    /// The files and folders of the layer that steps make.
    private static func layer(
        _ steps: [ImageStep], on base: ((Workshop) async throws -> BaseIngredient)? = nil
    ) async throws -> [String] {
        let shop = try Workshop()
        var ingredients = ImageIngredients.of(try await shop.model())
        ingredients.source = try await shop.tree(files)
        ingredients.steps = steps
        ingredients.base = try await base?(shop)
        let image = try await shop.assemble(ingredients)
        guard let layer = image.layers.first(where: { $0.kind == .steps }) else { return [] }
        return try await shop.listing(layer)
    }

    @Test(
        "COPY takes files and folders where Docker does",
        arguments: [
            ("note.txt", "/opt/text", ["opt/text"]),
            ("note.txt", "/opt/", ["opt/note.txt"]),
            ("./note.txt", "/etc", ["etc/note.txt"]),
            ("note.txt", "here", ["here"]),
            ("app", "/opt/app", ["opt/app/lib/a.txt", "opt/app/run.sh"]),
            ("app/", "/opt", ["opt/lib/a.txt", "opt/run.sh"]),
            (".", "/all", ["all/app/lib/a.txt", "all/app/run.sh", "all/note.txt"]),
            ("app/lib", "/", ["a.txt"]),
        ])
    func copies(from: String, to: String, expected: [String]) async throws {
        let listing = try await Self.layer([.copy(from: from, to: to)])
        #expect(
            listing.filter { $0.hasPrefix("-") }.compactMap { $0.split(separator: " ").last.map(String.init) }
                == expected)
    }

    @Test("copied files are root's and keep whether they can be executed")
    func permissions() async throws {
        let listing = try await Self.layer([.copy(from: "app", to: "/opt/app")])
        #expect(
            listing == [
                "drwxr-xr-x 0/0 opt/", "drwxr-xr-x 0/0 opt/app/", "drwxr-xr-x 0/0 opt/app/lib/",
                "-rw-r--r-- 0/0 opt/app/lib/a.txt", "-rwxr-xr-x 0/0 opt/app/run.sh",
            ])
    }

    @Test("a relative path begins at the working folder, which is made where it isn't there")
    func workingFolder() async throws {
        let listing = try await Self.layer([
            .workingFolder("/srv"), .workingFolder("app"), .copy(from: "note.txt", to: "./"),
        ])
        #expect(listing.filter { $0.hasPrefix("-") } == ["-rw-r--r-- 0/0 srv/app/note.txt"])
        #expect(listing.contains("drwxr-xr-x 0/0 srv/app/"))
    }

    @Test("a folder that is there stays as it is: /tmp for everybody, a link of the base a link")
    func folders() async throws {
        let own = try await Self.layer([.copy(from: "note.txt", to: "/tmp/")])
        #expect(own == ["drwxrwxrwt 0/0 tmp/", "-rw-r--r-- 0/0 tmp/note.txt"])
        let onBase = try await Self.layer([
            .copy(from: "note.txt", to: "/bin/note"), .copy(from: "note.txt", to: "/home/app/"),
        ]) { shop in
            var contents = LayerContents()
            try contents.add(TarEntry(path: "usr/bin", kind: .folder, mode: 0o755))
            try contents.add(TarEntry(path: "bin", kind: .symbolicLink(to: "usr/bin"), mode: 0o777))
            try contents.add(TarEntry(path: "home/app", kind: .folder, mode: 0o750, owner: 1000, group: 1000))
            return try await shop.base(contents)
        }
        #expect(
            onBase == [
                "drwxr-xr-x 0/0 home/", "drwxr-x--- 1000/1000 home/app/", "-rw-r--r-- 0/0 home/app/note.txt",
                "drwxr-xr-x 0/0 usr/", "drwxr-xr-x 0/0 usr/bin/", "-rw-r--r-- 0/0 usr/bin/note",
            ])
    }

    @Test(
        "a path that leads out, to what is ours, or to nothing is refused",
        arguments: [
            (ImageStep.copy(from: "../up", to: "/opt"), "copy.source"),
            (.copy(from: "none", to: "/opt"), "copy.source"),
            (.copy(from: "app", to: "/../up"), "copy.path"), (.copy(from: "app", to: "/slipway/lib"), "copy.path"),
            (.copy(from: "app", to: "/opt/../slipway"), "copy.path"), (.copy(from: "app", to: "/proc/1"), "copy.path"),
            (.workingFolder("../.."), "workdir.path"), (.variable(name: "A=B", value: ""), "variable.name"),
            (.user("a b"), "user.name"), (.label(name: "", value: "x"), "label.name"),
        ])
    func refused(step: ImageStep, code: String) async throws {
        do {
            _ = try await Self.layer([step])
            Issue.record("it was taken")
        } catch let failure as BuildFailure {
            #expect(failure.code == code)
        }
    }

    @Test("a tree that is laid at the top, or where a link of the base leads, does not get at what is ours either")
    func ours() async throws {
        func code(_ change: (Workshop, inout ImageIngredients) async throws -> Void) async throws -> String {
            let shop = try Workshop()
            var ingredients = ImageIngredients.of(try await shop.model())
            ingredients.source = try await shop.tree(["slipway/bin/scorer": "mine", "scorer": "mine"])
            try await change(shop, &ingredients)
            do { _ = try await shop.assemble(ingredients) } catch let failure as BuildFailure { return failure.code }
            return "taken"
        }
        let asset = try await code { shop, ingredients in
            ingredients.assets = [
                AssetIngredient(tree: try await shop.tree(["slipway/bin/scorer": "mine"]), path: "/")
            ]
        }
        #expect(asset == "assets.path")
        #expect(try await code { $1.steps = [.copy(from: ".", to: "/")] } == "copy.path")
        let linked = try await code { shop, ingredients in
            var contents = LayerContents()
            try contents.add(TarEntry(path: "opt", kind: .symbolicLink(to: "/slipway/bin"), mode: 0o777))
            ingredients.base = try await shop.base(contents)
            ingredients.steps = [.copy(from: "scorer", to: "/opt/scorer")]
        }
        #expect(linked == "copy.path")
    }

    @Test("ENV, LABEL, WORKDIR and USER change the configuration, the last of each kind last")
    func configuration() async throws {
        let shop = try Workshop()
        var ingredients = ImageIngredients.of(try await shop.model())
        ingredients.variables = ["LEVEL": "1", "KEPT": "x"]
        ingredients.steps = [
            .variable(name: "LEVEL", value: "2"), .label(name: "team", value: "risk"), .workingFolder("/srv"),
            .user("1000"), .user("1001:5"), .variable(name: "PATH", value: "/only"),
        ]
        let configuration = try await shop.configuration(shop.assemble(ingredients))
        #expect(configuration.environment.contains("LEVEL=2"))
        #expect(configuration.environment.contains("KEPT=x"))
        #expect(configuration.environment.contains("PATH=/only"))
        #expect(configuration.labels["team"] == "risk")
        #expect(configuration.workingFolder == "/srv")
        #expect(configuration.user == "1001:5")
    }
}
