extension ReplicaOrder {
    /// The variables of the replica's process: those of the image, the order's on top, and what only a place decides.
    ///
    /// Has the replica's access key in it: it goes to the process alone, never into a list of processes or a log.
    /// - Parameter listen: where the replica takes requests, as it sees that itself: `0.0.0.0:8080`, `unix:/path`.
    public func environment(listen: String) -> [String: String] {
        var result: [String: String] = [:]
        for variable in image.configuration.environment {
            let parts = variable.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            if let name = parts.first, !name.isEmpty { result[String(name)] = parts.count > 1 ? String(parts[1]) : "" }
        }
        if concurrency > 0 { result["SCORER_DEFAULTS_CONCURRENCY"] = "\(concurrency)" }
        result.merge(variables) { $1 }
        result["SCORER_LISTEN"] = listen
        result["SCORER_ACCESS_KEYS"] = accessKey
        return result
    }

    /// What is run: the entry point with its command.
    public var words: [String] { image.configuration.entryPoint + image.configuration.command }
}
