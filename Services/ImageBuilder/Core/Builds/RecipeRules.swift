internal import Blobs
internal import Contracts
internal import OCI
internal import Protobuf
internal import RPC
internal import ResourceKit
internal import Tar

/// What can be seen of a request to build by looking at nothing else.
enum RecipeRules {
    static let modelsMax = 50
    static let assetsMax = 20
    static let stepsMax = 100
    static let variablesMax = 200
    static let variableBytesMax = 32_768
    static let pathBytesMax = 1024
    static let baseBytesMax = 1024
    /// Of variables and labels: they stand in the image's configuration, and registries take no large ones.
    static let settingsBytesMax = 1 << 20

    /// - Throws: `invalidArgument` with all that is wrong.
    static func check(_ request: Slipway.Images.V1.BuildRequest) throws(RPCError) {
        var violations = FieldViolations()
        if !request.name.isEmpty { violations.check(image: request.name) }
        violations.check(text: request.description, "description", bytesMax: TextLimits.textBytesMax)
        violations.check(labels: request.tags, "tags")
        violations.check(reason: request.reason)
        if request.aliases.count > TextLimits.aliasesMax {
            violations.add("aliases", "there are \(request.aliases.count); \(TextLimits.aliasesMax) at most")
        }
        for (index, alias) in request.aliases.prefix(TextLimits.aliasesMax).enumerated() {
            violations.check(alias: alias, "aliases[\(index)]")
        }
        if !NameRules.isRequest(request.requestId) { violations.add("request_id", "it should be \(NameRules.request)") }
        check(request.recipe ?? Slipway.Images.V1.Recipe(), &violations)
        try violations.check()
    }

    private static func check(_ recipe: Slipway.Images.V1.Recipe, _ violations: inout FieldViolations) {
        models(recipe, &violations)
        if recipe.source.isEmpty {
            for (field, value) in [("entry", recipe.entry), ("dependencies", recipe.dependencies)] where !value.isEmpty
            {
                violations.add("recipe.\(field)", "\(shown(value)) is in a source tree, and recipe.source names none")
            }
        } else if BlobDigest(recipe.source) == nil {
            violations.add("recipe.source", "\(shown(recipe.source)) is no digest as UploadSource answers it")
        }
        if !recipe.entry.isEmpty, !recipe.entry.hasSuffix(".py") {
            violations.add("recipe.entry", "\(shown(recipe.entry)) is no Python file: its name ends in .py")
        }
        if !recipe.dependencies.isEmpty,
            ![".yml", ".yaml", ".txt"].contains(where: { recipe.dependencies.hasSuffix($0) })
        {
            violations.add(
                "recipe.dependencies",
                "\(shown(recipe.dependencies)) should be a conda environment (.yml, .yaml) or a list of requirements (.txt)"
            )
        }
        if recipe.assets.count > assetsMax {
            violations.add("recipe.assets", "there are \(recipe.assets.count); \(assetsMax) at most")
        }
        for (index, asset) in recipe.assets.prefix(assetsMax).enumerated() {
            if BlobDigest(asset.source) == nil {
                violations.add("recipe.assets[\(index)].source", "\(shown(asset.source)) is no digest")
            }
            check(folder: asset.path, "recipe.assets[\(index)].path", &violations)
        }
        variables(recipe.variables, &violations)
        let isLayout = recipe.base.hasPrefix("oci:")
        if recipe.base.unicodeScalars.contains(where: { $0.properties.generalCategory == .control }) {
            violations.add("recipe.base", "it has a control character")
        } else if recipe.base.utf8.count > baseBytesMax {
            violations.add("recipe.base", "it has \(recipe.base.utf8.count) bytes; \(baseBytesMax) at most")
        } else if !recipe.base.isEmpty, !isLayout {
            do { _ = try ImageReference(recipe.base) } catch { violations.add("recipe.base", error.message) }
        }
        steps(recipe, &violations)
        let settings =
            recipe.variables.map { ($0.key, $0.value) }
            + recipe.steps.compactMap { step in
                switch step.kind {
                case .env(let setting), .label(let setting): (setting.name, setting.value)
                default: nil
                }
            }
        let settingsBytes = settings.reduce(0) { $0 + $1.0.utf8.count + $1.1.utf8.count }
        if settingsBytes > settingsBytesMax {
            violations.add(
                "recipe", "its variables and labels have \(settingsBytes) bytes together; \(settingsBytesMax) at most")
        }
        if let resources = recipe.resources,
            resources.cpuMillis < 0 || resources.memoryBytes < 0 || resources.gpus < 0
        {
            violations.add("recipe.resources", "there is nothing less than none")
        }
    }

    private static func models(_ recipe: Slipway.Images.V1.Recipe, _ violations: inout FieldViolations) {
        if recipe.models.isEmpty { violations.add("recipe.models", "an image has one model at least") }
        if recipe.models.count > modelsMax {
            violations.add("recipe.models", "there are \(recipe.models.count); \(modelsMax) at most")
        }
        for (index, model) in recipe.models.prefix(modelsMax).enumerated() where reference(model) == nil {
            violations.add(
                "recipe.models[\(index)]",
                "\(shown(model)) names no version: write name:3, name/3, name/latest or name@alias")
        }
        let names = Set(recipe.models.prefix(modelsMax).compactMap { reference($0)?.name })
        for (model, adapter) in recipe.adapters.sorted(by: { $0.key < $1.key }) {
            let named = reference(model)
            let name = named?.name ?? model
            if let named, case .number = named.which {
            } else if named != nil {
                violations.add("recipe.adapters[\(shown(model))]", "it should be a model's name, or name:3")
            }
            if !names.contains(name) {
                violations.add("recipe.adapters[\(shown(model))]", "there is no such model in recipe.models")
            }
            if !AdapterChoice.all.contains(adapter) {
                let near = NearNames.nearest(to: adapter, of: AdapterChoice.all).map { "; did you mean \($0)?" } ?? ""
                violations.add(
                    "recipe.adapters[\(shown(model))]",
                    "\(shown(adapter)) is none of \(AdapterChoice.all.joined(separator: ", "))\(near)")
            }
        }
    }

    static func reference(_ text: String) -> VersionReference? {
        VersionReference(text.hasPrefix("models:/") ? text.dropFirst(8) : text[...], isName: NameRules.isModel)
    }

    private static func variables(_ variables: [String: String], _ violations: inout FieldViolations) {
        if variables.count > variablesMax {
            violations.add("recipe.variables", "there are \(variables.count); \(variablesMax) at most")
        }
        for (name, value) in variables.sorted(by: { $0.key < $1.key }).prefix(variablesMax) {
            check(variable: name, value, "recipe.variables[\(shown(name))]", &violations)
        }
    }

    private static func check(
        variable name: String, _ value: String, _ field: String, _ violations: inout FieldViolations
    ) {
        let isName =
            !name.isEmpty && name.utf8.count <= 256
            && name.utf8.allSatisfy { ($0 > 0x20 && $0 < 0x7F) && $0 != UInt8(ascii: "=") }
        if !isName { violations.add(field, "the name should be 1 to 256 visible characters of ASCII without =") }
        violations.check(text: value, field, bytesMax: variableBytesMax)
    }

    private static func check(folder: String, _ field: String, _ violations: inout FieldViolations) {
        let isFine =
            folder.hasPrefix("/") && folder.utf8.count <= pathBytesMax
            && (try? TarPath.normal(String(folder.drop { $0 == "/" }))) != nil
        if !isFine { violations.add(field, "\(shown(folder)) should be absolute, without .. in it") }
    }

    private static func steps(_ recipe: Slipway.Images.V1.Recipe, _ violations: inout FieldViolations) {
        if recipe.steps.count > stepsMax {
            violations.add("recipe.steps", "there are \(recipe.steps.count); \(stepsMax) at most")
        }
        for (index, step) in recipe.steps.prefix(stepsMax).enumerated() {
            let field = "recipe.steps[\(index)]"
            switch step.kind {
            case nil: violations.add(field, "it says nothing to do: env, label, workdir, user or copy")
            case .env(let variable): check(variable: variable.name, variable.value, "\(field).env", &violations)
            case .label(let label): check(variable: label.name, label.value, "\(field).label", &violations)
            case .workdir(let folder):
                check(folder: folder.hasPrefix("/") ? folder : "/\(folder)", "\(field).workdir", &violations)
            case .user(let user): check(user: user, "\(field).user", recipe, &violations)
            case .copy(let copy):
                if recipe.source.isEmpty {
                    violations.add("\(field).copy", "it copies out of a source tree, and recipe.source names none")
                }
                if (try? TarPath.normal(copy.from)) == nil || copy.from.utf8.count > pathBytesMax {
                    violations.add("\(field).copy.from", "\(shown(copy.from)) is no path in a source tree")
                }
                let to = copy.to.hasPrefix("/") ? copy.to : "/\(copy.to)"
                if copy.to.isEmpty { violations.add("\(field).copy.to", "it is empty") }
                check(folder: to, "\(field).copy.to", &violations)
            }
        }
    }

    private static func check(
        user: String, _ field: String, _ recipe: Slipway.Images.V1.Recipe, _ violations: inout FieldViolations
    ) {
        let parts = user.split(separator: ":", omittingEmptySubsequences: false)
        let isNumbers = (1...2).contains(parts.count) && parts.allSatisfy { UInt32($0) != nil }
        if isNumbers { return }
        guard !recipe.base.isEmpty else {
            violations.add(
                field, "\(shown(user)) should be a number or number:number: without a base there are no names")
            return
        }
        let isName =
            (1...2).contains(parts.count)
            && parts.allSatisfy { !$0.isEmpty && $0.utf8.allSatisfy { ($0 > 0x20 && $0 < 0x7F) } }
        if !isName || user.utf8.count > 128 { violations.add(field, "\(shown(user)) is no user") }
    }
}
