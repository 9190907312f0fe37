/// What a replica's folder says of it: everything of the order that is no secret. Lines of `key value`.
struct ReplicaRecord: Equatable {
    var owner: ReplicaOwner
    /// The image's digest.
    var image: String
    var needs: ReplicaNeeds
    var fence: Int64
    /// Nanoseconds since 1970.
    var startedAt: Int64

    init(_ order: ReplicaOrder, startedAt: Int64) {
        owner = order.owner
        image = order.image.digest
        needs = order.needs
        fence = order.fence
        self.startedAt = startedAt
    }

    var text: String {
        let lines: [(String, String)] = [
            ("suite", owner.suite), ("workspace", owner.workspace), ("deployment", owner.deployment),
            ("deployment_id", "\(owner.deploymentID)"), ("revision", "\(owner.revision)"), ("image", image),
            ("cpu_millis", "\(needs.cpuMillis)"), ("memory_bytes", "\(needs.memoryBytes)"), ("gpus", "\(needs.gpus)"),
            ("fence", "\(fence)"), ("started_at", "\(startedAt)"),
        ]
        return lines.map { "\($0) \(Self.quoted($1))\n" }.joined()
    }

    /// Nil where it is none.
    init?(text: String) {
        var values: [Substring: String] = [:]
        for line in text.split(separator: "\n") {
            let parts = line.split(separator: " ", maxSplits: 1, omittingEmptySubsequences: false)
            guard parts.count == 2, let value = Self.unquoted(parts[1]) else { return nil }
            values[parts[0]] = value
        }
        let number = values.compactMapValues { Int64($0) }
        guard let suite = values["suite"], let workspace = values["workspace"], let deployment = values["deployment"],
            let image = values["image"], let deploymentID = number["deployment_id"], let revision = number["revision"],
            let fence = number["fence"], let startedAt = number["started_at"]
        else { return nil }
        owner = ReplicaOwner(
            suite: suite, workspace: workspace, deployment: deployment, deploymentID: deploymentID,
            revision: Int(revision))
        self.image = image
        self.fence = fence
        self.startedAt = startedAt
        needs = ReplicaNeeds(
            cpuMillis: number["cpu_millis"] ?? 0, memoryBytes: number["memory_bytes"] ?? 0,
            gpus: Int(number["gpus"] ?? 0))
    }

    /// On one line, whatever it holds.
    private static func quoted(_ text: String) -> String {
        var result = ""
        for character in text.unicodeScalars {
            switch character {
            case "\\": result += "\\\\"
            case "\n": result += "\\n"
            default: result.unicodeScalars.append(character)
            }
        }
        return result
    }

    private static func unquoted(_ text: Substring) -> String? {
        var result = ""
        var isQuoted = false
        for character in text.unicodeScalars {
            switch (isQuoted, character) {
            case (false, "\\"): isQuoted = true
            case (false, _): result.unicodeScalars.append(character)
            case (true, "\\"), (true, "n"):
                result.unicodeScalars.append(character == "n" ? "\n" : "\\")
                isQuoted = false
            case (true, _): return nil
            }
        }
        return isQuoted ? nil : result
    }
}
