import Loop

/// Notifications for any number of readers in this process over one connection. Each reader names the payloads that it
/// waits for and gets a bell, which also rings when notifications may have been missed: whoever is woken looks at the
/// state itself.
public final class PostgresSignals: Sendable {
    /// A payload on a channel.
    public struct Topic: Hashable, Sendable {
        public let channel: String
        public let payload: String

        public init(_ channel: String, _ payload: String) {
            self.channel = channel
            self.payload = payload
        }
    }

    private struct State {
        var bells: [Topic: [Int: PostgresBell]] = [:]
        var next = 0
    }
    private let notifications: PostgresNotifications
    private let state = Lock(State())

    public init(_ pool: PostgresPool, channels: [String]) {
        notifications = PostgresNotifications(pool.configuration, channels: channels, on: pool.nextReaders().loop)
    }

    /// Listens until the task is cancelled. Readers that come before hear nothing until it runs.
    /// - Throws: `CancellationError`, or `PostgresError` where the server refuses for good.
    public func run() async throws {
        for try await element in notifications {
            switch element {
            case .gap: ringAll()
            case .notification(let notification):
                ring(Topic(notification.channel, notification.payload))
            }
        }
    }

    /// Lends a bell that rings for each of the topics, as long as `body` runs.
    public func withBell<Result>(
        _ topics: [Topic], _ body: (PostgresBell) async throws -> Result
    ) async rethrows -> Result {
        let bell = PostgresBell()
        let number = state.withLock { state in
            state.next += 1
            for topic in topics { state.bells[topic, default: [:]][state.next] = bell }
            return state.next
        }
        defer { remove(number, topics) }
        return try await body(bell)
    }

    private func remove(_ number: Int, _ topics: [Topic]) {
        state.withLock { state in
            for topic in topics {
                state.bells[topic]?[number] = nil
                if state.bells[topic]?.isEmpty ?? false { state.bells[topic] = nil }
            }
        }
    }

    private func ring(_ topic: Topic) {
        let bells = state.withLock { $0.bells[topic].map { Array($0.values) } ?? [] }
        for bell in bells { bell.ring() }
    }

    private func ringAll() {
        let bells = state.withLock { $0.bells.values.flatMap(\.values) }
        for bell in bells { bell.ring() }
    }
}
