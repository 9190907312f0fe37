public import Activities
import ActivityService
import Contracts
public import Loop
public import Postgres
public import ServiceKit

/// Tells of every activity of a workspace, over all services, as it changes: they share one table.
///
/// One connection listens for all who watch. Who is told that something changed looks at it; what changed several times
/// meanwhile comes once.
public final class ActivityWatcher: Service {
    public let serviceName = "activity watcher"

    /// What one watcher has not looked at yet.
    private final class Inbox: Sendable {
        struct State {
            var changed: Set<PostgresUUID> = []
            var missedSome = true
        }
        let state = Lock(State())
        let bell = PostgresBell()
    }
    private struct Inboxes {
        var all: [Int: Inbox] = [:]
        var next = 0
    }
    private let inboxes = Lock(Inboxes())
    private let activities: Activities
    private let notifications: PostgresNotifications
    private let loop: EventLoop

    public init(_ pool: PostgresPool, activities: Activities, loop: EventLoop) {
        self.activities = activities
        self.loop = loop
        notifications = PostgresNotifications(pool.configuration, channels: [Activities.channel], on: loop)
    }

    /// Listens until it is asked to stop.
    public func run() async throws {
        StopSignal.started()
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await StopSignal.wait() }
            group.addTask {
                for try await element in self.notifications { self.take(element) }
            }
            defer { group.cancelAll() }
            try await group.next()
        }
    }

    private func take(_ element: PostgresNotifications.Element) {
        let all = inboxes.withLock { Array($0.all.values) }
        switch element {
        case .gap:
            for inbox in all {
                inbox.state.withLock { $0.missedSome = true }
                inbox.bell.ring()
            }
        case .notification(let notification):
            // Wishes to cancel go over the same channel, and are followed by a change.
            guard let id = PostgresUUID(notification.payload) else { return }
            for inbox in all {
                inbox.state.withLock { state in
                    guard !state.missedSome else { return }
                    state.changed.insert(id)
                    if state.changed.count > 10_000 { (state.changed, state.missedSome) = ([], true) }
                }
                inbox.bell.ring()
            }
        }
    }

    /// Hands over those that are not over, and then each that changes, until the task is cancelled.
    func watch(
        _ request: Slipway.Events.V1.WatchActivitiesRequest, in workspace: String,
        _ body: (Slipway.Activities.V1.Activity) async throws -> Void
    ) async throws {
        let inbox = Inbox()
        let number = inboxes.withLock { inboxes in
            inboxes.next += 1
            inboxes.all[inboxes.next] = inbox
            return inboxes.next
        }
        defer { inboxes.withLock { _ = $0.all.removeValue(forKey: number) } }
        // Those that were shown and are not over, with the state that was shown.
        var shown: [PostgresUUID: Int64] = [:]
        func show(_ activity: Activity) async throws {
            guard request.kind.isEmpty || activity.kind == request.kind,
                request.subject.isEmpty || activity.subject == request.subject,
                activity.revision > shown[activity.id] ?? -1
            else { return }
            shown[activity.id] = activity.state.isFinal ? nil : activity.revision
            try await body(Slipway.Activities.V1.Activity(activity))
        }
        while true {
            let (changed, missedSome) = inbox.state.withLock { state in
                defer { state = Inbox.State(changed: [], missedSome: false) }
                return (state.changed, state.missedSome)
            }
            var ids = changed
            if missedSome {
                ids.formUnion(shown.keys)
                for activity in try await unfinished(request, in: workspace) {
                    ids.remove(activity.id)
                    try await show(activity)
                }
            }
            for id in ids {
                do {
                    try await show(try await activities.get(id, workspace: workspace))
                } catch is ActivityError {
                    shown[id] = nil
                }
            }
            try await inbox.bell.wait(upTo: .seconds(60), on: loop)
        }
    }

    private func unfinished(
        _ request: Slipway.Events.V1.WatchActivitiesRequest, in workspace: String
    ) async throws -> [Activity] {
        var found: [Activity] = []
        for state in [ActivityState.pending, .running, .cancelling] {
            var filter = ActivityFilter(workspace: workspace, state: state)
            if !request.kind.isEmpty { filter.kind = request.kind }
            if !request.subject.isEmpty { filter.subject = request.subject }
            var cursor: ActivityCursor?
            repeat {
                let page = try await activities.list(filter, after: cursor, limit: Activities.pageMax)
                found += page.activities
                cursor = page.next
            } while cursor != nil
        }
        return found.sorted { $0.createdAt < $1.createdAt }
    }
}
