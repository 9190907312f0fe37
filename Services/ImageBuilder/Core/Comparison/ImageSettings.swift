internal import Contracts
internal import OCI

/// How a container of an image is started, setting by setting.
enum ImageSettings {
    static func differences(
        _ from: ImageConfiguration, _ to: ImageConfiguration
    ) -> [Slipway.Images.V1.SettingDifference] {
        let (before, after) = (settings(of: from), settings(of: to))
        return Set(before.keys).union(after.keys).sorted().compactMap { name in
            guard before[name] != after[name] else { return nil }
            return Slipway.Images.V1.SettingDifference(name: name, from: before[name] ?? "", to: after[name] ?? "")
        }
    }

    private static func settings(of configuration: ImageConfiguration) -> [String: String] {
        var settings: [String: String] = [
            "platform": "\(configuration.platform)", "user": configuration.user,
            "entrypoint": words(configuration.entryPoint), "cmd": words(configuration.command),
            "workdir": configuration.workingFolder, "stopsignal": configuration.stopSignal,
        ]
        for variable in configuration.environment {
            let parts = variable.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            settings["env \(parts[0])"] = parts.count == 2 ? String(parts[1]) : ""
        }
        for (name, value) in configuration.labels { settings["label \(name)"] = value }
        for port in configuration.exposedPorts { settings["port \(port)"] = "exposed" }
        if let check = configuration.healthCheck {
            settings["healthcheck"] =
                "\(words(check.test)) every \(check.intervalNanoseconds / 1_000_000) ms, "
                + "\(check.timeoutNanoseconds / 1_000_000) ms at most, after \(check.startNanoseconds / 1_000_000) ms, "
                + "\(check.retries) times"
        }
        return settings
    }

    private static func words(_ words: [String]) -> String {
        words.map { word in
            word.isEmpty || word.contains(where: { $0 == " " || $0 == "\"" })
                ? "\"\(word.replacing("\"", with: "\\\""))\"" : word
        }.joined(separator: " ")
    }
}
