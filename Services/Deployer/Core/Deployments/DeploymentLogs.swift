internal import Contracts
internal import DeployerTargets
internal import Loop
internal import Postgres
internal import Protobuf
internal import RPC
internal import ResourceKit

/// Hands over what the replicas of a deployment wrote, in the order of time as far as it comes together.
struct DeploymentLogs: Sendable {
    static let linesMax = 10_000
    /// What may wait for a caller that reads slowly, and how much of it goes in a message.
    static let waitingMax = 4000
    static let batch = 500
    /// New replicas are looked for so often, and lines wait so long for earlier ones of others.
    static let interval = Swift.Duration.seconds(2)
    static let gathering = Swift.Duration.milliseconds(200)

    let pool: PostgresPool
    let places: Places
    let loop: EventLoop

    private struct Source: Hashable {
        let replica: String
        let target: Int64
    }

    /// - Throws: `RPCError` `notFound` for a replica that there is not, and what `write` throws.
    func send(
        _ request: V1.LogsRequest, of record: DeploymentRecord,
        _ write: @escaping @Sendable ([V1.LogLine]) async throws -> Void
    ) async throws {
        let lines = request.lines == 0 ? 100 : Int(request.lines)
        let queue = LogQueue(loop: loop)
        let first = try await sources(request, record)
        if first.isEmpty, !request.replica.isEmpty {
            throw Refusal.notFound(
                "replica", request.replica,
                "the deployment \"\(record.deployment.name)\" has no replica \(shown(request.replica))")
        }
        try await withThrowingTaskGroup(of: Bool.self) { group in
            group.addTask {
                // Ends when all readers have, or the deployment.
                try await read(request, record, first, lines, queue)
                queue.end()
                return true
            }
            group.addTask {
                while let batch = try await queue.next() { try await write(batch) }
                return false
            }
            defer { group.cancelAll() }
            while let isReading = try await group.next() { if !isReading { return } }
        }
    }

    private func read(
        _ request: V1.LogsRequest, _ record: DeploymentRecord, _ first: [Source], _ lines: Int, _ queue: LogQueue
    ) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            defer { group.cancelAll() }
            var known: Set<Source> = []
            var found = first
            while true {
                for source in found where known.insert(source).inserted {
                    group.addTask { try await follow(source, lines, request.follow, queue) }
                }
                guard request.follow else { break }
                try await loop.sleep(for: DeploymentLogs.interval)
                guard try await isThere(record.id) else { return }
                found = try await sources(request, record)
            }
            try await group.waitForAll()
        }
    }

    /// One replica's log. That it can't be had is a line of its own: the others are read nevertheless.
    private func follow(_ source: Source, _ lines: Int, _ isFollowing: Bool, _ queue: LogQueue) async throws {
        let room = PostgresBell()
        do {
            let place = try await places.target(source.target)
            try await place.log(of: source.replica, lines: lines, follow: isFollowing) { line in
                try await queue.add(LogQueue.line(of: source.replica, line), room)
            }
        } catch let error as TargetError {
            try await queue.add(
                V1.LogLine(replica: source.replica, text: "the log can't be had: \(error.message)"), room)
        }
    }

    private func isThere(_ deployment: Int64) async throws -> Bool {
        !(try await pool.read(
            "SELECT id FROM deployments.deployments WHERE id = \(deployment) AND deleted IS NULL"
        ).all(Int64.self)).isEmpty
    }

    private func sources(_ request: V1.LogsRequest, _ record: DeploymentRecord) async throws -> [Source] {
        var condition: PostgresQuery = "r.deployment = \(record.id)"
        if request.revision != 0 { condition = "\(condition) AND r.revision = \(request.revision)" }
        if !request.replica.isEmpty {
            guard let id = PostgresUUID(request.replica) else {
                throw RPCError.badRequest(field: "replica", "\(shown(request.replica)) is no replica's id")
            }
            condition = "\(condition) AND r.id = \(id)"
        }
        let rows = try await pool.read(
            "SELECT r.id, r.target FROM deployments.replicas AS r WHERE \(condition) ORDER BY r.created"
        ).all((PostgresUUID, Int64).self)
        return rows.map { Source(replica: "\($0.0)", target: $0.1) }
    }
}

/// Lines on their way from many replicas to one caller.
final class LogQueue: Sendable {
    private struct State {
        var lines: [V1.LogLine] = []
        var waiting: [PostgresBell] = []
        var isEnded = false
    }
    private let state = Lock(State())
    private let arrived = PostgresBell()
    private let loop: EventLoop

    init(loop: EventLoop) { self.loop = loop }

    static func line(of replica: String, _ line: ReplicaLogLine) -> V1.LogLine {
        let seconds = line.at / 1_000_000_000
        return V1.LogLine(
            replica: replica,
            at: .init(seconds: seconds, nanos: Int32(truncatingIfNeeded: line.at - seconds * 1_000_000_000)),
            text: line.text)
    }

    /// Suspends while too many wait.
    /// - Parameter room: the reader's own.
    func add(_ line: V1.LogLine, _ room: PostgresBell) async throws {
        while true {
            let isTaken = state.withLock { state in
                guard state.lines.count < DeploymentLogs.waitingMax else {
                    state.waiting.append(room)
                    return false
                }
                state.lines.append(line)
                return true
            }
            if isTaken { return arrived.ring() }
            try await room.wait(upTo: .seconds(1), on: loop)
        }
    }

    func end() {
        state.withLock { $0.isEnded = true }
        arrived.ring()
    }

    /// What came together, in the order of time; nil after the last.
    func next() async throws -> [V1.LogLine]? {
        while true {
            let (isEmpty, isEnded) = state.withLock { ($0.lines.isEmpty, $0.isEnded) }
            if isEmpty {
                if isEnded { return nil }
                try await arrived.wait(upTo: .seconds(5), on: loop)
                continue
            }
            // What others wrote a moment earlier may be on its way.
            if !isEnded { try await loop.sleep(for: DeploymentLogs.gathering) }
            let (lines, waiting) = state.withLock { state in
                // Sorting is stable: lines of one moment stay as they came.
                let sorted = state.lines.enumerated().sorted { left, right in
                    let (first, second) = (LogQueue.time(left.element), LogQueue.time(right.element))
                    return first == second ? left.offset < right.offset : first < second
                }.map(\.element)
                state.lines = Array(sorted.dropFirst(DeploymentLogs.batch))
                defer { state.waiting = [] }
                return (Array(sorted.prefix(DeploymentLogs.batch)), state.waiting)
            }
            for bell in waiting { bell.ring() }
            return lines
        }
    }

    private static func time(_ line: V1.LogLine) -> Int64 {
        line.at.map { $0.seconds &* 1_000_000_000 &+ Int64($0.nanos) } ?? 0
    }
}
