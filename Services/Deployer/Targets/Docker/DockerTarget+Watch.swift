internal import HTTP

extension DockerTarget {
    /// What engines call the ends of containers.
    private static let ends: Set<String> = ["die", "died", "oom", "destroy", "remove", "kill", "stop"]

    public func watch(_ changed: @escaping @Sendable () -> Void) async {
        var pause = Backoff()
        while !Task.isCancelled {
            let begin = ContinuousClock.now
            let filter = self.filter(["type": ["container"]])
            try? await engine.stream(.get, "/events", ["filters": filter]) { body in
                // What happened while nobody listened.
                changed()
                var lines = LineSplitter(limit: 1 << 20)
                for try await piece in body {
                    let told = lines.add(piece).contains { line in
                        guard let event = try? EngineValue(json: line[...], keeping: ["Action", "status", "Status"])
                        else {
                            return false
                        }
                        let action = event["Action"].text ?? event["status"].text ?? event["Status"].text
                        return action.map { Self.ends.contains($0) } ?? false
                    }
                    if told { changed() }
                }
            }
            // One that lasted was no failure of connecting.
            if begin.duration(to: .now) > .seconds(10) { pause = Backoff() }
            do { try await pause.wait() } catch { return }
        }
    }
}

/// Longer each time, and never the same: engines that come back are not met by all at once.
struct Backoff {
    private var next = Duration.milliseconds(100)
    private static let longest = Duration.seconds(5)

    /// - Throws: `CancellationError`.
    mutating func wait() async throws {
        let now = next * Double.random(in: 0.5...1)
        next = min(next * 2, Self.longest)
        try await Task.sleep(for: now)
    }
}
