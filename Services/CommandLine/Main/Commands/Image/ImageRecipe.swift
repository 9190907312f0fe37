import CommandLineKit
import Contracts

/// What goes into an image, by the flags: looked at as a whole before anything is sent.
struct ImageRecipe {
    private struct Asset {
        let tree: SourceTree
        let folder: String
        let path: String
    }

    private var recipe = Slipway.Images.V1.Recipe()
    private let tree: SourceTree?
    private let assets: [Asset]

    /// - Throws: `UsageError`, `Failure`.
    init(_ values: Values) throws {
        recipe.models = values.all(ImageBuild.models)
        recipe.variables = values[ImageBuild.variables]
        recipe.base = values[ImageBuild.base] ?? ""
        recipe.steps = try values[ImageBuild.steps].flatMap(StepText.parse)
        recipe.gpu = values[ImageBuild.gpu]
        recipe.adapters = values[ImageBuild.adapters]
        let resources = Slipway.Images.V1.Resources(
            cpuMillis: values[ImageBuild.cpu] ?? 0, memoryBytes: values[ImageBuild.memory] ?? 0,
            gpus: recipe.gpu ? 1 : 0)
        if resources != .init() { recipe.resources = resources }
        let folder = values[ImageBuild.source]
        let entry = values[ImageBuild.entry]
        let dependencies = values[ImageBuild.dependencies]
        if folder != nil || entry != nil || dependencies != nil {
            let tree = try SourceTree(folder: folder, entry: entry, dependencies: dependencies)
            recipe.entry = tree.entry
            recipe.dependencies = tree.dependencies
            self.tree = tree
        } else {
            tree = nil
        }
        assets = try values[ImageBuild.assets].map(ImageRecipe.asset)
        let copies = recipe.steps.contains { step in
            if case .copy? = step.kind { true } else { false }
        }
        guard tree != nil || !copies else {
            throw UsageError("COPY takes files of the source folder: say --source", path: "slipway image build")
        }
    }

    /// - Parameter text: `FOLDER:PATH`.
    private static func asset(_ text: String) throws -> Asset {
        guard let colon = text.lastIndex(of: ":"), colon != text.startIndex,
            text[text.index(after: colon)...].hasPrefix("/")
        else {
            throw UsageError(
                "--asset \"\(text)\": must be FOLDER:PATH with an absolute path, such as ./lookup:/srv/lookup",
                path: "slipway image build")
        }
        let folder = String(text[..<colon])
        return Asset(
            tree: try SourceTree(asset: folder), folder: folder, path: String(text[text.index(after: colon)...]))
    }

    /// Brings the trees to the builder.
    /// - Returns: the recipe with their digests.
    func send(_ upload: SourceUpload) async throws -> Slipway.Images.V1.Recipe {
        var recipe = recipe
        if let tree {
            let sent = try await upload.send(tree.files, "the source")
            recipe.source = sent.digest
            let rules = tree.ignoreFile.map { ", without what \($0) leaves out" } ?? ""
            upload.session.note("\(ImageRecipe.counted(sent)) of source\(rules)")
        }
        for asset in assets {
            let sent = try await upload.send(asset.tree.files, asset.folder)
            recipe.assets.append(.init(source: sent.digest, path: asset.path))
            upload.session.note("\(ImageRecipe.counted(sent)) of \(asset.folder) for \(asset.path)")
        }
        return recipe
    }

    private static func counted(_ tree: Slipway.Images.V1.SourceTree) -> String {
        "\(Amounts.count(Int(tree.files), "file")), \(Amounts.bytes(tree.sizeBytes))"
    }
}
