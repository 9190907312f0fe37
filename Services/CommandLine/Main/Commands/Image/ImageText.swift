import CommandLineKit
import Contracts

/// Images as people read them.
enum ImageText {
    typealias Image = Slipway.Images.V1.Image

    static func name(_ image: Image) -> String { "\(image.name):\(image.version)" }

    static func table(_ images: [Image], _ session: Session) -> String {
        var table = Table([
            .init("IMAGE", shrinksTo: 12), .init("ALIASES", shrinksTo: 8), .init("MODELS", shrinksTo: 10),
            .init("SIZE", .right), .init("TAGS", shrinksTo: 8), .init("DIGEST"), .init("BUILT"),
            .init("BY", shrinksTo: 8),
        ])
        for image in images {
            table.add([
                name(image), image.aliases.joined(separator: " "), image.models.map(\.version).joined(separator: " "),
                Amounts.bytes(image.sizeBytes), Shared.shown(image.tags), short(image.digest),
                image.deletedAt == nil ? session.relative(image.createdAt) : "deleted", image.createdBy,
            ])
        }
        return session.text(table, whenEmpty: "there is no image of the kind")
    }

    /// Enough of a digest to tell two apart.
    static func short(_ digest: String) -> String {
        digest.hasPrefix("sha256:") ? String(digest.dropFirst(7).prefix(12)) : digest
    }

    static func details(_ image: Image, _ session: Session) -> String {
        var facts = Facts()
        facts.add("image", name(image))
        facts.add("description", image.description)
        facts.add("digest", image.digest)
        facts.add("size", Amounts.bytes(image.sizeBytes))
        facts.add("platform", image.platform)
        facts.add("base", image.base.map { "\($0.reference) (\($0.digest))" } ?? "")
        facts.add("aliases", image.aliases.joined(separator: ", "))
        facts.add("tags", image.tags)
        facts.add("used by", image.users.joined(separator: ", "))
        facts.add("build", image.build)
        facts.add("built by", image.createdBy)
        facts.add("built", session.exact(image.createdAt))
        facts.add("changed", session.exact(image.updatedAt))
        facts.add("deleted", session.exact(image.deletedAt))
        var text = session.text(facts)
        text += recipe(image.recipe, session)
        text += models(image.models, session)
        text += layers(image.layers, session)
        if let environment = image.environment { text += packages(environment, session) }
        return text
    }

    private static func section(_ title: String, _ text: String, _ session: Session) -> String {
        text.isEmpty ? "" : "\n\(session.terminal.bold(title))\n\(text)"
    }

    private static func recipe(_ recipe: Slipway.Images.V1.Recipe?, _ session: Session) -> String {
        guard let recipe else { return "" }
        var facts = Facts()
        facts.add("entry", recipe.entry)
        facts.add("dependencies", recipe.dependencies)
        facts.add("source", recipe.source)
        for asset in recipe.assets { facts.add("asset", "\(asset.path) (\(asset.source))") }
        facts.add("variables", recipe.variables)
        for step in recipe.steps { facts.add("step", StepText.text(step)) }
        facts.add("gpu", recipe.gpu ? "yes" : "")
        facts.add("adapters", recipe.adapters)
        if let resources = recipe.resources {
            let cores = Double(resources.cpuMillis) / 1000
            facts.add("cpu", resources.cpuMillis == 0 ? "" : Amounts.decimal(cores))
            facts.add("memory", resources.memoryBytes == 0 ? "" : Amounts.bytes(resources.memoryBytes))
        }
        return section("RECIPE", session.text(facts), session)
    }

    private static func models(_ models: [Slipway.Images.V1.ImageModel], _ session: Session) -> String {
        guard !models.isEmpty else { return "" }
        var table = Table([.init("MODEL"), .init("FORMAT"), .init("ADAPTER"), .init("PATH", shrinksTo: 12)])
        for model in models { table.add([model.version, model.format, model.adapter, model.path]) }
        return "\n" + session.text(table, whenEmpty: "")
    }

    private static func layers(_ layers: [Slipway.Images.V1.ImageLayer], _ session: Session) -> String {
        guard !layers.isEmpty else { return "" }
        var table = Table([
            .init("LAYER"), .init("SIZE", .right), .init("DIGEST"), .init("REUSED"), .init("WHAT", shrinksTo: 12),
        ])
        for layer in layers {
            table.add([
                layer.kind, Amounts.bytes(layer.sizeBytes), short(layer.digest), layer.reused ? "yes" : "",
                layer.description,
            ])
        }
        return "\n" + session.text(table, whenEmpty: "")
    }

    private static func packages(_ lock: Slipway.Images.V1.EnvironmentLock, _ session: Session) -> String {
        var table = Table([.init("PACKAGE"), .init("VERSION"), .init("SIZE", .right), .init("ASKED FOR")])
        for package in lock.packages {
            table.add([
                package.name, package.version, Amounts.bytes(package.sizeBytes), package.askedFor ? "yes" : "",
            ])
        }
        let python =
            lock.python.isEmpty
            ? "" : "\n" + session.terminal.bold("PYTHON \(DisplayText.harmless(lock.python))") + "\n"
        return python + (lock.packages.isEmpty ? "" : "\n" + session.text(table, whenEmpty: ""))
    }
}
