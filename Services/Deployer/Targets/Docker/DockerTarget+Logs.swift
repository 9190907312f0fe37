internal import HTTP
internal import Loop

extension DockerTarget {
    public func log(
        of id: ReplicaID, lines: Int, follow: Bool, _ line: @escaping @Sendable (ReplicaLogLine) async throws -> Void
    ) async throws {
        try ContainerName.check(id)
        let doing = "the log of \(id) can't be read"
        do {
            // By its own name from now on: a replica that is removed must not be mistaken for another.
            let name = ContainerName.final(id)
            let found = try await engine.call(.get, "/containers/\(name)/json").value(keeping: ["Id"])["Id"].text
            let reading = LogReading("/containers/\(found ?? name)", lines: lines, follow: follow, line)
            var pause = Backoff()
            while true {
                do {
                    if try await reading.readOn(engine) { return }
                    pause = Backoff()
                } catch let error as EngineError where follow && error.kind == .unreachable {
                    // The engine restarts: the log is there again afterwards.
                } catch let error as EngineError where follow && error.isMissing {
                    return
                }
                try await pause.wait()
            }
        } catch let error as EngineError {
            throw error.asTargetError(doing)
        }
    }
}

/// A log that is read on where it was left.
private final class LogReading: Sendable {
    private let path: String
    private let lines: Int
    private let follow: Bool
    private let line: @Sendable (ReplicaLogLine) async throws -> Void
    /// The last line that was handed on.
    private let last = Lock<Int64?>(nil)

    init(
        _ path: String, lines: Int, follow: Bool, _ line: @escaping @Sendable (ReplicaLogLine) async throws -> Void
    ) {
        self.path = path
        self.lines = max(0, lines)
        self.follow = follow
        self.line = line
    }

    /// True where nothing can come any more.
    func readOn(_ engine: EngineClient) async throws -> Bool {
        let since = last.withLock { $0 }.map { EngineTime.text(of: $0 + 1) }
        try await engine.stream(
            .get, "\(path)/logs",
            [
                "stdout": "true", "stderr": "true", "timestamps": "true", "follow": follow ? "true" : "false",
                "tail": since == nil ? "\(lines)" : "all", "since": since ?? "0",
            ], deadline: follow ? nil : .seconds(60)
        ) { [self] body in
            var (frames, gathered) = (LogFrames(), LogLines())
            for try await piece in body {
                for frame in try frames.add(piece) { for line in gathered.add(frame) { try await hand(on: line) } }
            }
            for line in gathered.finish() { try await hand(on: line) }
        }
        guard follow else { return true }
        // The end of the stream may be that of the replica. Its log is complete then; who follows waits until it is removed.
        let state = try await engine.call(.get, "\(path)/json").value(keeping: ["State"])["State"]["Status"].text
        guard ["exited", "dead", "stopped"].contains(state) else { return state == "removing" }
        _ = try await engine.stream(.post, "\(path)/wait", ["condition": "removed"]) { body in
            try await body.collect(upTo: 1 << 20)
        }
        return true
    }

    private func hand(on line: ReplicaLogLine) async throws {
        last.withLock { $0 = max($0 ?? 0, line.at) }
        try await self.line(line)
    }
}
