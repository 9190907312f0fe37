import CommandLineKit
import Contracts
import Loop
import Protobuf
import RPC

/// Follows a long operation to its end, through connections that break.
struct ActivityFollower: Sendable {
    typealias Activity = Slipway.Activities.V1.Activity

    /// Where the lines of its log go.
    enum LogPlace: Sendable { case nowhere, error }

    struct Outcome: Sendable {
        let activity: Activity
        /// The end of its log, where it was not shown.
        let lastLines: [String]
    }

    static let lastLinesMax = 20

    let session: Session
    let loop: EventLoop
    let activities: Slipway.Activities.V1.Activities.Client

    init(_ session: Session, _ connection: Connection, _ service: SuiteService) {
        self.init(session, connection.loop, connection.activities(of: service))
    }

    init(_ session: Session, _ loop: EventLoop, _ activities: Slipway.Activities.V1.Activities.Client) {
        self.session = session
        self.loop = loop
        self.activities = activities
    }

    /// - Throws: `Failure` that says how to go on where it is interrupted; `RPCError`.
    func follow(_ activity: Activity, log place: LogPlace = .error) async throws -> Outcome {
        let line = StatusLine(on: session.terminal, isQuiet: session.isQuiet)
        defer { line.end() }
        let isShown = place == .error && session.form == .table && !session.isQuiet
        do {
            let end = try await withThrowingTaskGroup(of: Activity?.self) { group in
                group.addTask { try await watch(activity, line) }
                if isShown {
                    group.addTask {
                        try await log(activity.id) { line.add(DisplayText.harmless($0.text)) }
                        return nil
                    }
                }
                var end = activity
                while let result = try await group.next() { end = result ?? end }
                return end
            }
            line.end()
            let wantsLines = place != .nowhere && !isShown && end.state == .failed
            return Outcome(activity: end, lastLines: wantsLines ? await lastLines(of: end) : [])
        } catch  where Interruption.isRequested || error is CancellationError {
            throw ActivityFollower.interrupted(activity)
        }
    }

    static func interrupted(_ activity: Activity) -> Failure {
        Failure(
            .interrupted,
            """
            interrupted; \(ActivityText.noun(activity.kind)) goes on
            `slipway activity watch \(activity.id)` follows it, `slipway activity cancel \(activity.id)` ends it
            """)
    }

    /// - Returns: the activity as it ended.
    func watch(_ activity: Activity, _ line: StatusLine? = nil) async throws -> Activity {
        if ActivityText.isOver(activity) { return activity }
        let start = session.now
        let latest = Lock(activity)
        @Sendable func show() {
            line?.show(ActivityText.line(latest.withLock { $0 }, seconds: Int(session.now - start)))
        }
        show()
        return try await withThrowingTaskGroup(of: Activity?.self) { group in
            group.addTask {
                try await changes(of: activity.id, line) { changed in
                    latest.withLock { $0 = changed }
                    show()
                }
            }
            if line != nil, session.terminal.errorIsTerminal {
                group.addTask {
                    // So that somebody sees that it is alive.
                    while true {
                        try await loop.sleep(for: .seconds(1))
                        show()
                    }
                }
            }
            defer { group.cancelAll() }
            return try await group.next()?.map { $0 } ?? activity
        }
    }

    private func changes(
        of id: String, _ line: StatusLine?, _ changed: @Sendable (Activity) -> Void
    ) async throws -> Activity {
        var persistence = Persistence(on: loop) { line?.add($0) }
        while true {
            do {
                let end: Activity? = try await activities.watch(.init(id: id)) { responses in
                    for try await activity in responses {
                        persistence.reached(activity.revision)
                        changed(activity)
                        if ActivityText.isOver(activity) { return activity }
                    }
                    return nil
                }
                if let end { return end }
                throw RPCError(.unavailable, "the service stopped telling how it goes")
            } catch let error as RPCError { try await persistence.pause(after: error) }
        }
    }

    /// Hands out the lines of the log from a number on, and goes on behind the last where the connection breaks.
    func log(
        _ id: String, from first: Int64 = 0, follows: Bool = true,
        _ take: @Sendable (Slipway.Activities.V1.ActivityLogLine) throws -> Void
    ) async throws {
        var persistence = Persistence(on: loop) { [session] in session.note($0) }
        var next = first
        while true {
            do {
                try await activities.log(.init(id: id, from: next, follow: follows)) { responses in
                    for try await response in responses {
                        for line in response.lines where line.number >= next {
                            try take(line)
                            next = line.number + 1
                        }
                        persistence.reached(next)
                    }
                }
                return
            } catch let error as RPCError { try await persistence.pause(after: error) }
        }
    }

    /// The end of the log of what is over; empty where it can't be had.
    private func lastLines(of activity: Activity) async -> [String] {
        let first = max(1, activity.logLines - Int64(ActivityFollower.lastLinesMax) + 1)
        let lines = Lock<[String]>([])
        // That it failed is told without its log too.
        try? await log(activity.id, from: first, follows: false) { line in lines.withLock { $0.append(line.text) } }
        return lines.withLock { $0.suffix(ActivityFollower.lastLinesMax) }
    }
}

extension ActivityFollower.Outcome {
    /// - Throws: `Failure` with the exit code for what did not end well.
    func check() throws { try ActivityFollower.check(activity, lastLines) }
}

extension ActivityFollower {
    static func check(_ activity: Activity, _ lastLines: [String] = []) throws {
        let what = ActivityText.noun(activity.kind)
        switch activity.state {
        case .failed:
            var lines = lastLines.map { "  \(DisplayText.harmless($0))" }
            if !lines.isEmpty { lines.insert("the end of its log:", at: 0) }
            let reason = (activity.failure?.message ?? "").split(separator: "\n").map {
                DisplayText.harmless(String($0))
            }
            throw Failure(
                .failed, (["\(what) failed: \(reason.joined(separator: "\n"))"] + lines).joined(separator: "\n"))
        case .cancelled:
            let by = activity.cancelledBy.isEmpty ? "" : " by \(DisplayText.harmless(activity.cancelledBy))"
            throw Failure(.cancelled, "\(what) was cancelled\(by)")
        default: break
        }
    }
}
