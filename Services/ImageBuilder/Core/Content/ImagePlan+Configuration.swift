internal import OCI

/// How containers of an image are started, and where it came from.
extension ImagePlan {
    private static let usualPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

    func configuration(on base: BaseImage?) -> ImageConfiguration {
        let below = base?.configuration
        var configuration = ImageConfiguration(platform: below?.platform ?? ingredients.platform)
        configuration.environment = environment(below?.environment ?? [])
        configuration.entryPoint = [ImageLayout.program, "serve"]
        configuration.workingFolder = execution.workingFolder.isEmpty ? "/" : execution.workingFolder
        configuration.user = execution.user ?? "\(ImageLayout.user):\(ImageLayout.user)"
        configuration.exposedPorts = (below?.exposedPorts ?? []).union(["\(ImageLayout.port)/tcp"])
        configuration.stopSignal = "SIGTERM"
        configuration.healthCheck = ImageConfiguration.HealthCheck(
            test: ["CMD", ImageLayout.program, "ready"], intervalNanoseconds: 30_000_000_000,
            timeoutNanoseconds: 5_000_000_000, startNanoseconds: 300_000_000_000, retries: 3)
        configuration.labels = (below?.labels ?? [:])
            .merging(annotations) { $1 }.merging(execution.labels) { $1 }
        return configuration
    }

    /// The base's in its order, with what we set in its place; then what is new, by name.
    private func environment(_ base: [String]) -> [String] {
        var values: [String: String] = [:]
        var names: [String] = []
        for variable in base {
            let parts = variable.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            let name = String(parts[0])
            if values.updateValue(parts.count > 1 ? String(parts[1]) : "", forKey: name) == nil { names.append(name) }
        }
        let theirs = Set(names)
        let path = values["PATH"] ?? Self.usualPath
        var ours = [
            "PATH": "/slipway/bin:\(path)",
            "SCORER_CONTROL": "source",
            "SCORER_LISTEN": "0.0.0.0:\(ImageLayout.port)",
            "SCORER_MODELS": ServedModels.folder(ingredients),
            "SCORER_WATCH": "0s",
            "SLIPWAY_ADAPTERS": ImageLayout.adapters,
        ]
        for (name, value) in environmentVariables {
            // Theirs is only what comes in front.
            ours[name] = name == "PATH" ? "/slipway/bin:\(value):\(path)" : value
        }
        // For a script, whose process is given nothing else of them.
        let forScripts = theirs.union(execution.variables.keys).filter { $0 != "PATH" }.sorted()
        if adapters.contains("python"), !forScripts.isEmpty {
            ours["SLIPWAY_PYTHON_VARIABLES"] = forScripts.joined(separator: ",")
        }
        ours.merge(execution.variables) { $1 }
        names += ours.keys.filter { !theirs.contains($0) }.sorted()
        values.merge(ours) { $1 }
        return names.map { "\($0)=\(values[$0] ?? "")" }
    }

    /// Where it came from, for whoever has the image and nothing else.
    var annotations: [String: String] {
        var found: [String: String] = [:]
        func set(_ key: String, _ values: [String]) {
            let words = values.filter { !$0.isEmpty }
            if !words.isEmpty { found[key] = words.joined(separator: " ") }
        }
        func unique(_ values: [String]) -> [String] { Set(values.filter { !$0.isEmpty }).sorted() }
        let models = ingredients.models
        set("slipway.models", models.map { "\($0.name):\($0.version)" })
        for model in models {
            set("slipway.model.\(model.name).\(model.version).digest", [model.digest])
            set("slipway.model.\(model.name).\(model.version).run", [model.run])
            set("slipway.model.\(model.name).\(model.version).commit", [model.commit])
        }
        let commits = unique(models.map(\.commit))
        if commits.count == 1 { set("org.opencontainers.image.revision", commits) }
        if let base = ingredients.base {
            set("org.opencontainers.image.base.name", [base.reference])
            set("org.opencontainers.image.base.digest", ["\(base.manifest.digest)"])
        }
        if let entry = ingredients.entry { set("slipway.entry", [entry]) }
        if let source = ingredients.source { set("slipway.source", ["\(source.digest)"]) }
        if let lock = ingredients.environment {
            set("slipway.environment", [lock.key])
            set("slipway.python", [lock.python])
        }
        return found
    }
}
