internal import Protobuf

/// The configurations by which the scorer serves what is in an image.
struct ServedModels {
    private let ingredients: ImageIngredients

    init(_ ingredients: ImageIngredients) { self.ingredients = ingredients }

    /// The folder that the scorer serves.
    static func folder(_ ingredients: ImageIngredients) -> String {
        ingredients.entry == nil ? ImageLayout.models : ImageLayout.served
    }

    func layer() throws -> LayerPlan {
        var plan = LayerPlan(.models, "how models are served")
        if let entry = ingredients.entry {
            serve(entry, in: &plan)
        } else {
            for (name, models) in Dictionary(grouping: ingredients.models, by: \.name) {
                serve(name, models, in: &plan)
            }
        }
        return plan
    }

    /// A script is one model, whose folder is the source tree. It bears its model's name where it has one only.
    private func serve(_ entry: String, in plan: inout LayerPlan) {
        var (name, version, models) = (Self.stem(entry), 1, ImageLayout.models)
        if let only = ingredients.models.first, ingredients.models.count == 1 {
            (name, version, models) = (only.name, only.version, ImagePlan.path(only))
        }
        let folder = "\(ImageLayout.served)/\(name)"
        plan.add("\(folder)/\(version)", .link(to: ImageLayout.source))
        let options = ["entry": entry, "env.AZUREML_MODEL_DIR": models, "env.SLIPWAY_MODEL_DIR": models]
        plan.add("\(folder)/slipway.json", .bytes(Self.json(adapter: "python", options: options, versions: [version])))
    }

    private func serve(_ name: String, _ models: [ModelIngredient], in plan: inout LayerPlan) {
        let folder = "\(ImageLayout.models)/\(name)"
        let versions = models.map(\.version).sorted()
        if let only = models.first, models.count == 1 {
            plan.add(
                "\(folder)/slipway.json",
                .bytes(
                    Self.json(
                        adapter: only.adapter, file: only.mainPath, options: Self.options(only), versions: versions)))
            return
        }
        plan.add("\(folder)/slipway.json", .bytes(Self.json(versions: versions)))
        // What a model brings of its own says how it is served.
        for model in models where !model.files.contains(where: { $0.path == "slipway.json" }) {
            plan.add(
                "\(folder)/\(model.version)/slipway.json",
                .bytes(Self.json(adapter: model.adapter, file: model.mainPath, options: Self.options(model))))
        }
    }

    /// Whoever put a pickle into an image has decided to execute it.
    private static func options(_ model: ModelIngredient) -> [String: String] {
        model.adapter == "python" ? ["allow_pickle": "true"] : [:]
    }

    private static func stem(_ path: String) -> String {
        let name = path.split(separator: "/").last.map(String.init) ?? path
        guard let dot = name.lastIndex(of: "."), dot != name.startIndex else { return name }
        return String(name[..<dot])
    }

    private static func json(
        adapter: String = "", file: String = "", options: [String: String] = [:], versions: [Int] = []
    ) -> [UInt8] {
        var json = JSONWriter()
        json.beginObject()
        func text(_ key: String, _ value: String) {
            if value.isEmpty { return }
            json.key(key)
            json.string(value)
        }
        text("adapter", adapter)
        text("file", file)
        if !options.isEmpty {
            json.key("options")
            json.beginObject()
            for (key, value) in options.sorted(by: { $0.key < $1.key }) { text(key, value) }
            json.endObject()
        }
        if !versions.isEmpty {
            json.key("versions")
            json.beginArray()
            for version in versions {
                json.element()
                json.integer(version)
            }
            json.endArray()
        }
        json.endObject()
        return json.bytes
    }
}
